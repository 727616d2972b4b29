import { type FileHandle, open, readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { codeOf, MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { Event } from "./events.ts";
import { reduce } from "./reduce.ts";
import { newerVersion, type Status, statusVersion } from "./status.ts";

const Versioned = z.object({ version: z.number() });

/** One event as it is journalled, with the fencing number of the lock it was written under. */
const Entry = z.object({
  version: z.literal(statusVersion),
  seq: z.number().int().positive(),
  fencing: z.number().int().nonnegative(),
  event: Event,
});
type Entry = z.infer<typeof Entry>;

interface Line {
  number: number;
  entry: Entry;
}

/** What can be read of a journal. */
export interface JournalContent {
  /** Undefined when not even the first line is whole. */
  status: Status | undefined;
  /** Bytes up to the end of the last whole line; what follows was torn by a crash. */
  length: number;
  /** Every run that it tells of, in their order. */
  runs: string[];
}

export interface Journal {
  /** Durable once it returns; after an error the file is as it was before. */
  append(seq: number, fencing: number, event: Event): Promise<void>;
  close(): Promise<void>;
}

/**
 * Replays a journal; undefined when there is none. A torn last line is left out, any other line
 * that is not as it was written throws `E_INTEGRITY` with its number.
 */
export async function readJournal(path: string): Promise<JournalContent | undefined> {
  const bytes = await readFile(path).catch(undefinedIfMissing);
  if (bytes === undefined) return undefined;
  const lines: Line[] = [];
  let length = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, length)) {
    const number = lines.length + 1;
    const entry = decodeLine(bytes.subarray(length, end), path, number);
    if (entry === undefined && isTorn(bytes.subarray(length))) break;
    if (entry === undefined) throw brokenLine(path, number);
    lines.push({ number, entry });
    length = end + 1;
  }
  if (!isTorn(bytes.subarray(length))) throw brokenLine(path, lines.length + 1);
  let status: Status | undefined;
  const runs = new Set<string>();
  for (const line of withoutLateLines(lines)) {
    status = replayLine(status, line, path);
    runs.add(status.run);
  }
  return { status, length, runs: [...runs] };
}

/** Whether `rest` is (part of) one line only: a second one is written only after the first is durable. */
function isTorn(rest: Buffer): boolean {
  return rest.indexOf(prefixStart, 1) < 0;
}

/** What a manager wrote after its lock had been taken over does not count. */
function withoutLateLines(lines: readonly Line[]): Line[] {
  const valid: Line[] = [];
  for (const line of lines) {
    const { seq, fencing } = line.entry;
    for (let last = valid.at(-1); last !== undefined; last = valid.at(-1)) {
      if (last.entry.fencing >= fencing || last.entry.seq < seq) break;
      valid.pop();
    }
    if (fencing >= (valid.at(-1)?.entry.fencing ?? 0)) valid.push(line);
  }
  return valid;
}

/** Starts a new journal with its first line, so that an empty one is never of our making. */
export async function createJournal(
  path: string,
  ...first: [seq: number, fencing: number, event: Event]
): Promise<Journal> {
  const line = encodeLine(...first);
  await writeFileAtomic(path, line);
  return openJournal(path, Buffer.byteLength(line));
}

/** Opens an existing journal for appending and cuts off what follows its whole lines. */
export async function openJournal(path: string, length: number): Promise<Journal> {
  const file = await open(path, "a");
  let size = length;
  let isTorn = (await file.stat()).size !== length;
  return {
    async append(seq, fencing, event) {
      if (isTorn) await cutOff(file, size);
      isTorn = true;
      const line = Buffer.from(encodeLine(seq, fencing, event));
      await file.appendFile(line);
      failpoint("journal.afterWrite");
      await file.datasync();
      failpoint("journal.afterSync");
      size += line.length;
      isTorn = false;
    },
    async close() {
      await file.close();
    },
  };
}

async function cutOff(file: FileHandle, length: number) {
  await file.truncate(length);
  await file.datasync();
}

function encodeLine(seq: number, fencing: number, event: Event): string {
  const content = JSON.stringify({ version: statusVersion, seq, fencing, event } satisfies Entry);
  return `{"crc":"${checksum(Buffer.from(content))}",${content.slice(1)}\n`;
}

/** Stands at the start of lines only: within JSON strings the quotes are escaped. */
const prefixStart = '{"crc":"';
const prefix = /^\{"crc":"([0-9a-f]{8})",$/;
const prefixLength = '{"crc":"00000000",'.length;

/**
 * The entry of a line, or undefined when the line is not as it was written. One whose checksum is
 * right was written whole: where it is no entry, it is not ours, and is never taken for a torn one.
 */
function decodeLine(line: Buffer, path: string, number: number): Entry | undefined {
  const crc = prefix.exec(line.toString("latin1", 0, prefixLength))?.[1];
  if (crc === undefined) return undefined;
  const content = Buffer.concat([Buffer.from("{"), line.subarray(prefixLength)]);
  if (checksum(content) !== crc) return undefined;
  try {
    const json: unknown = JSON.parse(content.toString("utf8"));
    const { version } = Versioned.parse(json);
    if (version > statusVersion) throw newerVersion(`${path}:${number}`, version);
    return Entry.parse(json);
  } catch (cause) {
    throw cause instanceof MigrationError ? cause : brokenLine(path, number, cause);
  }
}

function checksum(content: Buffer): string {
  return crc32(content).toString(16).padStart(8, "0");
}

function replayLine(before: Status | undefined, { entry, number }: Line, path: string): Status {
  let status: Status;
  try {
    status = reduce(before, entry.event);
  } catch (cause) {
    throw brokenLine(path, number, cause);
  }
  if (status.seq !== entry.seq) throw brokenLine(path, number);
  return status;
}

function brokenLine(path: string, line: number, cause?: unknown): MigrationError {
  return new MigrationError("E_INTEGRITY", `Line ${line} of "${path}" is damaged`, {
    cause,
    hint: "Check the volume; to go on from status.json, move the journal away",
    fields: { path, line },
  });
}

function undefinedIfMissing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") throw error;
}
