import type { Readable } from "node:stream";
import { MigrationError } from "../core/errors.ts";

/** Longer records are refused before anything of them is kept. */
export const longestRecord = 16 * 1024 * 1024;

const prefixLength = 4;

/** A JSON value behind its length. */
export function encodeRecord(value: unknown): Buffer {
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  if (length > longestRecord) throw tooLong(length);
  const record = Buffer.allocUnsafe(prefixLength + length);
  record.writeUInt32BE(length);
  record.write(text, prefixLength);
  return record;
}

/** The next record; what follows it stays in the stream. Undefined at the end. */
export async function readRecord(stream: Readable): Promise<unknown> {
  const prefix = await readExactly(stream, prefixLength);
  if (prefix === undefined) return undefined;
  const length = prefix.readUInt32BE();
  if (length > longestRecord) throw tooLong(length);
  const text = await readExactly(stream, length);
  if (text === undefined) throw cutShort();
  try {
    return JSON.parse(text.toString("utf8"));
  } catch (cause) {
    throw new MigrationError("E_REFUSED", "A record is not JSON", { cause });
  }
}

/** So many bytes, or undefined where the stream ends before the first of them. */
async function readExactly(stream: Readable, count: number): Promise<Buffer | undefined> {
  if (count === 0) return Buffer.alloc(0);
  // At its end a stream gives what is left, however little.
  const bytes = await takeFrom<Buffer>(stream, () => stream.read(count));
  if (bytes !== undefined && bytes.length < count) throw cutShort();
  return bytes;
}

/**
 * What `take` finds in the stream, which is asked whenever there is more; undefined when the stream
 * ended before. Whatever is put back must be so before `take` returns: later it may have ended.
 */
export function takeFrom<T>(stream: Readable, take: () => T | null): Promise<T | undefined> {
  return new Promise((done, fail) => {
    function leave() {
      for (const name of events) stream.off(name, look);
    }
    function look() {
      try {
        const found = take();
        if (found === null && !stream.readableEnded && !stream.destroyed) return;
        leave();
        done(found ?? undefined);
      } catch (error) {
        leave();
        fail(error);
      }
    }
    for (const name of events) stream.on(name, look);
    look();
  });
}

const events = ["readable", "end", "close"] as const;

function tooLong(length: number): MigrationError {
  return new MigrationError(
    "E_REFUSED",
    `A record of ${length} bytes is longer than the ${longestRecord} that are allowed`,
  );
}

function cutShort(): MigrationError {
  return new MigrationError("E_UNAVAILABLE", "The connection ended within a record");
}
