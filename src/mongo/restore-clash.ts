import type { WriteFailure } from "./database.ts";
import type { Candidate } from "./restore-candidate.ts";
import type { RestoreJob } from "./restore-job.ts";
import type { Outcome } from "./restore-outcome.ts";
import { findHolder, type Place, type UniqueIndex, uniqueIndexes } from "./restore-unique.ts";

/** The outcome of a document whose place is taken, naming the index and who holds the key. */
export async function findClash(
  candidate: Candidate,
  failure: WriteFailure,
  job: RestoreJob,
): Promise<Outcome> {
  const fields = failure.keyPattern && Object.keys(failure.keyPattern);
  const { collection, destination } = job;
  const { policy } = job.rules;
  if (fields?.length === 1 && fields[0] === "_id") {
    return { verdict: "conflict", conflict: { reason: "equal-id", policy } };
  }
  job.uniqueIndexes ??= uniqueIndexes(await destination.indexes(collection));
  const named = job.uniqueIndexes.filter(
    (index) => fields === undefined || sameFields(index.fields, fields),
  );
  const held = await firstHeld(candidate, named, { collection, destination });
  const only = named.length === 1 ? named[0] : undefined;
  const index = held?.index ?? only;
  return {
    verdict: "conflict",
    conflict: {
      reason: "unique-index",
      policy,
      ...(index === undefined ? {} : { index: index.name }),
      ...(failure.keyPattern === undefined ? {} : { keyPattern: failure.keyPattern }),
      ...(held === undefined ? {} : { holder: held.holder }),
    },
  };
}

async function firstHeld(candidate: Candidate, indexes: readonly UniqueIndex[], place: Place) {
  for (const index of indexes) {
    const holder = await findHolder(candidate, index, place);
    if (holder !== undefined) return { index, holder };
  }
  return undefined;
}

function sameFields(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((field, index) => field === b[index]);
}
