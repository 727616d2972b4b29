import type { DestinationDatabase } from "./database.ts";
import { type Difference, differencesOf } from "./prepare-collection-differences.ts";
import type { SourceCollection } from "./restore-source.ts";
import type { RestoreState } from "./restore-state.ts";

/**
 * What the destination lacks of the collections and views that the restore made: all of it must be
 * there, but what its server refused.
 */
export async function verifyStructure(
  collections: readonly SourceCollection[],
  destination: Pick<DestinationDatabase, "collections" | "indexes">,
  state: Pick<RestoreState, "created" | "refusedIndexes">,
): Promise<Difference[]> {
  const specs = new Map((await destination.collections()).map((spec) => [spec.name, spec]));
  const differences: Difference[] = [];
  for (const source of collections) {
    const { name } = source.spec;
    const spec = specs.get(name);
    if (spec === undefined) {
      differences.push({ collection: name, what: "type", name: "type", note: "missing" });
    } else if (state.created.includes(name)) {
      const found = differencesOf(source, { spec, indexes: await destination.indexes(name) });
      differences.push(...found.filter((difference) => !isKnown(difference, state)));
    }
  }
  return differences;
}

/** What somebody adds later is not for this run to judge. */
function isKnown(
  { collection, what, name, note }: Difference,
  { refusedIndexes }: Pick<RestoreState, "refusedIndexes">,
): boolean {
  if (note === "extra") return true;
  if (what !== "index") return false;
  return refusedIndexes.some((index) => index.collection === collection && index.name === name);
}
