import { type ClientSession, type Db, type Document, Long, type MongoClient } from "mongodb";
import { MigrationError } from "../core/errors.ts";
import { collectAfter } from "../core/memory.ts";
import type { RawBatch } from "./bson-walk.ts";
import { type CursorReply, parseCursor } from "./read-reply.ts";

/** A server that lets a reply wait this long counts as gone; a first scan can take minutes. */
export const defaultReplyMs = 600_000;

/** Where the server is gone, waiting for it only to end a cursor would be in vain. */
const killMs = 2000;

/** While a larger batch is worked on, no other is fetched: two of 16 MB fill the memory. */
const mostBytesAhead = 8 * 1024 * 1024;

export interface CursorRequest {
  client: MongoClient;
  db: Db;
  /** A command that gives a cursor. */
  command: Document;
  batchSize?: number;
  /** How many milliseconds one reply may take; ten minutes unless said otherwise. */
  replyMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The batches of a cursor as the server sent them, the next one in flight while one is worked on.
 * Leaving early, or an abort, ends the cursor on the server too.
 */
export async function* readCursor(request: CursorRequest): AsyncGenerator<RawBatch> {
  const session = request.client.startSession();
  let open: CursorReply | undefined;
  try {
    let reply = await send(request, session, request.command);
    while (reply.id !== 0n) {
      const current = reply;
      open = current;
      const ask = () => send(request, session, getMore(request, current));
      const early = current.batch.data.length <= mostBytesAhead ? ask() : undefined;
      early?.catch(() => {});
      if (current.batch.count > 0) yield current.batch;
      reply = await (early ?? ask());
      collectAfter(reply.batch.data.length);
    }
    open = undefined;
    if (reply.batch.count > 0) yield reply.batch;
  } finally {
    if (open !== undefined) await killCursor(request, open);
    await session.endSession();
  }
}

function getMore({ batchSize }: CursorRequest, { id, collection }: CursorReply): Document {
  const limit = batchSize === undefined ? {} : { batchSize };
  return { getMore: Long.fromBigInt(id), collection, ...limit };
}

async function send(
  { db, signal, replyMs = defaultReplyMs }: CursorRequest,
  session: ClientSession,
  command: Document,
): Promise<CursorReply> {
  const patience = AbortSignal.timeout(replyMs);
  const stop = signal === undefined ? patience : AbortSignal.any([signal, patience]);
  const reply = await db.command(command, { session, raw: true, signal: stop });
  const cursor: unknown = reply["cursor"];
  if (cursor instanceof Uint8Array) {
    return parseCursor(Buffer.from(cursor.buffer, cursor.byteOffset, cursor.byteLength));
  }
  throw new MigrationError("E_UNEXPECTED", "The driver did not give the server's reply as bytes");
}

/** The server drops an idle cursor by itself in the end, so a failure here is none. */
async function killCursor({ db }: CursorRequest, { id, collection }: CursorReply) {
  const command = { killCursors: collection, cursors: [Long.fromBigInt(id)] };
  await db.command(command, { signal: AbortSignal.timeout(killMs) }).catch(() => {});
}
