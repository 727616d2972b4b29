import { MigrationError } from "../../core/errors.ts";
import { documentLength, maxDocumentBytes, type RawBatch } from "../bson-walk.ts";

/** What a server takes in one insert without trouble. */
const batchDocuments = 2000;
const batchBytes = 4_000_000;

/** How much is gathered before it is cut: with one more chunk it still fits into one batch. */
const gatheredBytes = 3_900_000;

/**
 * Cuts a stream of BSON into batches of whole documents: at most 2,000 of them and 4 MB, or one
 * that is larger. E_INTEGRITY where the framing breaks or the stream ends within a document.
 */
export async function* frameDocuments(
  stream: AsyncIterable<Buffer>,
  entry: string,
): AsyncGenerator<RawBatch> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  let needed = gatheredBytes;
  let offset = 0;
  for await (const chunk of stream) {
    gathered.push(chunk);
    bytes += chunk.length;
    if (bytes < needed) continue;
    const rest = yield* wholeBatches(Buffer.concat(gathered), { entry, offset });
    offset += bytes - rest.length;
    needed = Math.max(gatheredBytes, rest.length < 4 ? 0 : lengthAt(rest, 0, { entry, offset }));
    gathered = [rest];
    bytes = rest.length;
  }
  const left = yield* wholeBatches(Buffer.concat(gathered), { entry, offset });
  if (left.length === 0) return;
  throw broken({ entry, offset: offset + bytes - left.length }, "ends within a document");
}

/** What a walk over BSON found. */
interface Walked {
  documents: number;
  bytes: number;
}

/**
 * Walks over a stream of BSON from document to document as `frameDocuments` does, with the same
 * errors, but without gathering it: a check needs no batches.
 */
export function makeFrameWalk(entry: string) {
  const walked: Walked = { documents: 0, bytes: 0 };
  const length = Buffer.alloc(4);
  /** How much of the current document has come, and how long it is once that is known. */
  let come = 0;
  let wanted = 0;

  /** Takes what belongs to the current document's length, which may be cut in two. */
  function takeLength(chunk: Buffer, at: number): number {
    const place = { entry, offset: walked.bytes };
    if (come === 0 && at + 4 <= chunk.length) {
      wanted = lengthAt(chunk, at, place);
      return 4;
    }
    const taken = chunk.copy(length, come, at, at + 4 - come);
    if (come + taken === 4) wanted = lengthAt(length, 0, place);
    return taken;
  }

  return {
    walked,
    update(chunk: Buffer) {
      for (let at = 0; at < chunk.length; ) {
        const taken = come < 4 ? takeLength(chunk, at) : Math.min(wanted - come, chunk.length - at);
        come += taken;
        at += taken;
        if (come < 4 || come < wanted) continue;
        if (chunk[at - 1] !== 0) throw withoutEnd({ entry, offset: walked.bytes });
        walked.documents += 1;
        walked.bytes += wanted;
        come = 0;
      }
    },
    /** To be called once the stream ended. */
    finish() {
      if (come > 0) throw broken({ entry, offset: walked.bytes }, "ends within a document");
    },
  };
}

interface Place {
  entry: string;
  /** Of the data's first byte within the entry. */
  offset: number;
}

/** Yields the whole documents in batches and returns what is left. */
function* wholeBatches(data: Buffer, place: Place): Generator<RawBatch, Buffer> {
  let start = 0;
  let at = 0;
  let count = 0;
  for (;;) {
    const length = nextLength(data, at, place);
    if (count > 0 && (length === undefined || isFull(at + length - start, count))) {
      yield { data: data.subarray(start, at), count };
      start = at;
      count = 0;
    }
    if (length === undefined) return data.subarray(start);
    at += length;
    count += 1;
  }
}

function isFull(bytes: number, count: number): boolean {
  return count === batchDocuments || bytes > batchBytes;
}

/** The length of the document at `at`, or undefined if not all of it is there. */
function nextLength(data: Buffer, at: number, place: Place): number | undefined {
  if (at + 4 > data.length) return undefined;
  const here = { entry: place.entry, offset: place.offset + at };
  const length = lengthAt(data, at, here);
  if (at + length > data.length) return undefined;
  try {
    return documentLength(data, at);
  } catch (error) {
    throw withoutEnd(here, error);
  }
}

function lengthAt(data: Buffer, at: number, place: Place): number {
  const length = data.readInt32LE(at);
  if (length >= 5 && length <= maxDocumentBytes) return length;
  throw broken(place, `holds a document that claims ${length} bytes`);
}

function withoutEnd(place: Place, cause?: unknown): MigrationError {
  return broken(place, "holds a document without its end", cause);
}

function broken({ entry, offset }: Place, what: string, cause?: unknown): MigrationError {
  return new MigrationError("E_INTEGRITY", `The entry "${entry}" ${what}, at byte ${offset}`, {
    hint: "Make the backup again",
    fields: { entry, offset },
    ...(cause === undefined ? {} : { cause }),
  });
}
