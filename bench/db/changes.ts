import type { Bed } from "./bed.ts";

/** What was done to a destination that had everything. */
export interface Changes {
  removed: number;
  /** The ids of the documents that differ now, by collection. */
  changed: Record<string, string[]>;
}

/** Removes every tenth document of each collection and changes every thousandth of the others. */
export async function changeDestination({ destination, database, shapes }: Bed): Promise<Changes> {
  const changes: Changes = { removed: 0, changed: {} };
  for (const { name } of shapes) {
    const collection = destination.client.db(database).collection<{ _id: string }>(name);
    const { deletedCount } = await collection.deleteMany({ n: { $mod: [10, 3] } });
    changes.removed += deletedCount;
    const thousandth = { n: { $mod: [1000, 7] } };
    await collection.updateMany(thousandth, { $set: { changed: "by somebody else" } });
    const found = await collection.find(thousandth, { projection: { _id: 1 } }).toArray();
    if (found.length > 0) changes.changed[name] = found.map(({ _id }) => _id).sort();
  }
  return changes;
}
