import { codeOf } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { DocumentRecords, KnownDocument } from "../core/ledger.ts";
import { documentsOf, rawId } from "./bson-walk.ts";
import { classifyCommandError } from "./classify.ts";
import type { DestinationDatabase } from "./database.ts";
import { idKeyOf, sha256 } from "./restore-candidate.ts";
import { findById } from "./restore-present.ts";
import { type RetryOptions, withRetries } from "./restore-retry.ts";

/** One collection of a destination, and what the ledger has of it. */
export interface OwnPlace {
  collection: string;
  destination: DestinationDatabase;
  ledger: DocumentRecords;
  retry: RetryOptions;
}

export interface OwnDocument extends KnownDocument {
  id: Buffer;
}

const idsAtOnce = 500;

/**
 * The documents at the destination that have a record, some at a time. The destination is walked
 * rather than the ledger, which does not keep long ids.
 */
export async function* ownDocuments(place: OwnPlace): AsyncGenerator<OwnDocument[]> {
  const { collection, destination, ledger, retry } = place;
  const all = { collection, filters: [] };
  await ledger.prepareLookups();
  const options = { projection: { _id: 1 }, signal: retry.signal };
  for await (const batch of destination.read(all, options)) {
    const ids = [...documentsOf(batch)].map(rawId);
    for (let first = 0; first < ids.length; first += idsAtOnce) {
      const some = ids.slice(first, first + idsAtOnce);
      const known = ledger.known(collection, some);
      const own = some.flatMap((id, at) => {
        const found = known[at];
        return found === undefined ? [] : [{ id, ...found }];
      });
      if (own.length > 0) yield own;
    }
  }
}

/** `refused` is the server's code. */
export type TakenAway = "removed" | "gone" | "changed" | { refused: number };

/** What a document of ours is to become: nothing, or another one again. */
export interface TakeAway extends Pick<OwnDocument, "id" | "record"> {
  replacement?: Buffer;
}

const parallelWrites = 8;

/** So many are held whole at a time. */
export const documentsAtOnce = 25;

/**
 * Whether documents still are exactly as we wrote them, in their order; undefined for one that is
 * not there any more.
 */
export async function areAsWritten(
  documents: readonly Pick<OwnDocument, "id" | "record">[],
  place: OwnPlace,
): Promise<(boolean | undefined)[]> {
  const found = await withRetries(place.collection, place.retry, () =>
    findById(
      place,
      documents.map(({ id }) => id),
    ),
  );
  return documents.map(({ id, record }) => {
    const present = found.get(idKeyOf(id));
    return present && isAsWritten(present, record);
  });
}

/**
 * Removes or replaces documents that still are exactly as we wrote them, and tells of each what
 * became of it, in their order. All of it is durable when it returns.
 */
export async function takeAway(
  documents: readonly TakeAway[],
  place: OwnPlace,
): Promise<TakenAway[]> {
  const ends: TakenAway[] = [];
  for (let first = 0; first < documents.length; first += documentsAtOnce) {
    ends.push(...(await takeSome(documents.slice(first, first + documentsAtOnce), place)));
  }
  return ends;
}

async function takeSome(documents: readonly TakeAway[], place: OwnPlace): Promise<TakenAway[]> {
  const ends = new Map<TakeAway, TakenAway>();
  const begun = new Set<TakeAway>();
  await withRetries(place.collection, place.retry, async () => {
    const open = documents.filter((document) => !ends.has(document));
    const found = await findById(
      place,
      open.map(({ id }) => id),
    );
    const queue = open.values();
    const worker = async () => {
      for (const document of queue) {
        const present = found.get(idKeyOf(document.id));
        const end = await takeOne(document, present, { place, begun });
        ends.set(document, end);
      }
    };
    const workers = await Promise.allSettled(Array.from({ length: parallelWrites }, worker));
    const failed = workers.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    await place.destination.flush(place.collection);
  });
  return documents.map((document) => ends.get(document) ?? "changed");
}

interface Taking {
  place: OwnPlace;
  /** Those whose write was sent by an attempt whose answer was lost. */
  begun: Set<TakeAway>;
}

async function takeOne(
  document: TakeAway,
  present: Buffer | undefined,
  { place, begun }: Taking,
): Promise<TakenAway> {
  const { record, replacement } = document;
  if (replacement !== undefined && present?.equals(replacement)) return "removed";
  if (present === undefined) {
    return replacement === undefined && begun.has(document) ? "removed" : "gone";
  }
  if (!isAsWritten(present, record)) return "changed";
  begun.add(document);
  try {
    return (await write(document, present, place)) ? "removed" : "changed";
  } catch (error) {
    const code = error instanceof DOMException ? undefined : codeOf(error);
    // Only an answer of the server is about the document; anything else is for the retries.
    if (typeof code !== "number" || classifyCommandError(error) === "transient") throw error;
    return { refused: code };
  }
}

async function write(
  { replacement }: TakeAway,
  present: Buffer,
  { collection, destination }: OwnPlace,
): Promise<boolean> {
  failpoint("remove.beforeDocument");
  const isDone =
    replacement === undefined
      ? await destination.remove(collection, present)
      : await destination.replace(collection, present, replacement);
  failpoint("remove.afterDocument");
  return isDone;
}

/** Also as it was before an update of ours that was never done. */
function isAsWritten(present: Buffer, { hash, previous }: OwnDocument["record"]): boolean {
  const there = sha256(present);
  return there.equals(hash) || previous?.equals(there) === true;
}
