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
    needed = Math.max(gatheredBytes, rest.length < 4 ? 0 : lengthAt(rest, { entry, offset }));
    gathered = [rest];
    bytes = rest.length;
  }
  const left = yield* wholeBatches(Buffer.concat(gathered), { entry, offset });
  if (left.length === 0) return;
  throw broken({ entry, offset: offset + bytes - left.length }, "ends within a document");
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
  const length = lengthAt(data.subarray(at), here);
  if (at + length > data.length) return undefined;
  try {
    return documentLength(data, at);
  } catch (error) {
    throw broken(here, "holds a document without its end", error);
  }
}

function lengthAt(data: Buffer, place: Place): number {
  const length = data.readInt32LE(0);
  if (length >= 5 && length <= maxDocumentBytes) return length;
  throw broken(place, `holds a document that claims ${length} bytes`);
}

function broken({ entry, offset }: Place, what: string, cause?: unknown): MigrationError {
  return new MigrationError("E_INTEGRITY", `The entry "${entry}" ${what}, at byte ${offset}`, {
    hint: "Make the backup again",
    fields: { entry, offset },
    ...(cause === undefined ? {} : { cause }),
  });
}
