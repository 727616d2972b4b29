import { codeOf } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { destinationError } from "./classify.ts";
import type { CollectionSpec, DestinationDatabase } from "./database.ts";
import { type Difference, differencesOf } from "./prepare-collection-differences.ts";
import { creatableOptions } from "./prepare-collection-options.ts";
import type { SourceCollection } from "./restore-source.ts";

/** What the destination has under the name of a collection. */
export interface Prepared {
  /** Made by this run, which then owns its indexes too. */
  created: boolean;
  /** Without a single document. */
  empty: boolean;
  differences: Difference[];
}

export interface Preparation {
  destination: DestinationDatabase;
  /** The destination's collections by name. */
  existing: ReadonlyMap<string, CollectionSpec>;
  /** Whether an earlier attempt of this run made it, or meant to. */
  isOurs(name: string): boolean;
  /** Records that it is about to be made; durable when it returns. */
  recordCreation(name: string): Promise<void>;
}

const alreadyExists = 48;

/**
 * Makes sure that a collection or view is there. One that was there before keeps its options and
 * indexes, and what is different is listed.
 */
export async function prepareCollection(
  source: SourceCollection,
  preparation: Preparation,
): Promise<Prepared> {
  const { destination, existing, isOurs } = preparation;
  const present = existing.get(source.spec.name);
  if (present !== undefined && !isOurs(present.name)) {
    const indexes = await destination.indexes(present.name);
    const differences = differencesOf(source, { spec: present, indexes });
    return { created: false, empty: await isEmpty(source, destination), differences };
  }
  const { options, dropped } = creatableOptions(source.spec);
  if (present === undefined) {
    await preparation.recordCreation(source.spec.name);
    failpoint("collection.beforeMake");
    await create({ ...source.spec, options }, destination);
    failpoint("collection.afterMake");
  }
  const collection = source.spec.name;
  const differences = dropped.map((name) => {
    return { collection, what: "option", name, note: "obsolete-option" } as const;
  });
  return { created: true, empty: await isEmpty(source, destination), differences };
}

async function create(spec: CollectionSpec, destination: DestinationDatabase): Promise<void> {
  try {
    await destination.create(spec);
  } catch (error) {
    if (codeOf(error) !== alreadyExists) throw destinationError(spec.name, error);
  }
}

async function isEmpty({ spec }: SourceCollection, destination: DestinationDatabase) {
  if (spec.type === "view") return false;
  const all = { collection: spec.name, filters: [] };
  for await (const { count } of destination.read(all, { projection: { _id: 1 } })) {
    if (count > 0) return false;
  }
  return true;
}
