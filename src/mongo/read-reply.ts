import { MigrationError } from "../core/errors.ts";
import { bsonTypes, documentLength, elementsOf, type RawBatch } from "./bson-walk.ts";
import { textOf } from "./selection.ts";

/** One reply to find or getMore. */
export interface CursorReply {
  /** 0 once there is no more. */
  id: bigint;
  /** The collection that getMore and killCursors must name. */
  collection: string;
  batch: RawBatch;
}

/**
 * Takes a reply's `cursor` sub-document apart without decoding a document. The batch uses the
 * reply's own memory, which is overwritten.
 */
export function parseCursor(cursor: Buffer): CursorReply {
  const reply: CursorReply = { id: 0n, collection: "", batch: { data: cursor, count: -1 } };
  for (const { key, type, bytes } of elementsOf(cursor)) {
    const name = key.toString();
    if (name === "id" && type === bsonTypes.int64) reply.id = bytes.readBigInt64LE();
    if (name === "ns") reply.collection = collectionOf(textOf({ type, bytes }) ?? "");
    if (name === "firstBatch" || name === "nextBatch") reply.batch = { data: bytes, count: 0 };
  }
  if (reply.batch.count === -1) {
    throw new MigrationError("E_UNEXPECTED", "The server's reply holds no batch");
  }
  reply.batch = compact(reply.batch.data);
  return reply;
}

function collectionOf(namespace: string): string {
  return namespace.slice(namespace.indexOf(".") + 1);
}

/** Moves the documents of a BSON array together, over the keys between them. */
export function compact(array: Buffer): RawBatch {
  const end = array.length - 1;
  let from = 4;
  let to = 0;
  let count = 0;
  while (from < end) {
    // Behind the type byte and the key, which is the number of the document.
    while (from < end && array[from] !== 0) from += 1;
    from += 1;
    const length = documentLength(array, from);
    array.copyWithin(to, from, from + length);
    from += length;
    to += length;
    count += 1;
  }
  return { data: array.subarray(0, to), count };
}
