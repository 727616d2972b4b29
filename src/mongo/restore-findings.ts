import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "../core/failpoints.ts";
import { type Room, withRoom } from "../core/no-space.ts";
import { escapeCollectionName } from "./metadata.ts";
import { sha256 } from "./restore-candidate.ts";
import { findingsFiles, type IsDecided, keyOf, pruneFindings } from "./restore-findings-prune.ts";
import type { BeforeImage } from "./restore-job.ts";
import { type Conflict, idToJson, type Outcome } from "./restore-outcome.ts";

/** The lists of what did not go the plain way, shared by all collections of one restore. */
export interface Findings {
  /** Adds what `outcomes` holds for these lists; durable when it returns. */
  add(collection: string, entries: readonly Finding[]): Promise<void>;
  /** Keeps the destination's bytes of documents that are about to be overwritten. */
  saveBefore(collection: string, entries: readonly BeforeImage[], policy: string): Promise<void>;
  /** Whether a document without a verdict was about to be overwritten. */
  isOverwritten(collection: string, ordinal: number): boolean;
  /** These have a verdict now. */
  settle(collection: string, ordinals: Iterable<number>): void;
  close(): Promise<void>;
}

export interface Finding {
  ordinal: number;
  /** Absent for a document that has none. */
  id: Buffer | undefined;
  outcome: Outcome;
}

/**
 * Opens the lists in `out`, first taking out the lines of documents that have no verdict: those were
 * cut off before their batch was finished, and will come again.
 */
export async function openFindings(out: string, isDecided: IsDecided): Promise<Findings> {
  const { overwritten, conflicts, rejected } = await withRoom(roomIn(out), async () => ({
    overwritten: await pruneFindings(out, isDecided),
    conflicts: await open(join(out, findingsFiles.conflicts), "a"),
    rejected: await open(join(out, findingsFiles.rejected), "a"),
  }));
  const turns = makeTurns();
  return {
    add: (collection, entries) =>
      turns(async () => {
        const kept = entries.flatMap((entry) => conflictLine(collection, entry));
        await append(conflicts, kept, out);
        await append(rejected, await keepRejects(out, collection, entries), out);
      }),
    saveBefore: (collection, entries, policy) =>
      turns(async () => {
        const isNew = ({ candidate, bytes }: BeforeImage) =>
          overwritten.get(keyOf(collection, candidate.ordinal)) !== hashText(bytes);
        const fresh = entries.filter(isNew);
        const file = join("before", `${escapeCollectionName(collection)}.bson`);
        const places = await appendBytes(
          out,
          file,
          fresh.map(({ bytes }) => bytes),
        );
        const lines = fresh.map(({ candidate, bytes }, index) => ({
          ...head(collection, candidate),
          reason: "content",
          policy,
          done: "overwritten",
          before: { file, ...places[index], sha256: hashText(bytes) },
        }));
        await append(conflicts, lines, out);
        for (const { candidate, bytes } of fresh) {
          overwritten.set(keyOf(collection, candidate.ordinal), hashText(bytes));
        }
      }),
    isOverwritten: (collection, ordinal) => overwritten.has(keyOf(collection, ordinal)),
    settle(collection, ordinals) {
      for (const ordinal of ordinals) overwritten.delete(keyOf(collection, ordinal));
    },
    async close() {
      await conflicts.close();
      await rejected.close();
    },
  };
}

/**
 * Work on the files is done one after the other, so that a crash cuts off only the last one. After
 * one that failed none is done: half a line must stay the last one.
 */
function makeTurns() {
  let last: Promise<unknown> = Promise.resolve();
  return function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn;
    turn.catch(() => {});
    return turn;
  };
}

function hashText(bytes: Buffer): string {
  return sha256(bytes).toString("hex");
}

function head(collection: string, { ordinal, id }: { ordinal: number; id: Buffer | undefined }) {
  const ids = id === undefined ? {} : { id: idToJson(id), idBytes: id.toString("base64") };
  return { collection, ordinal, ...ids };
}

function conflictLine(collection: string, entry: Finding): object[] {
  const conflict: Conflict | undefined = entry.outcome.conflict;
  if (conflict === undefined) return [];
  const { holder, ...rest } = conflict;
  const held =
    holder === undefined
      ? {}
      : { holder: idToJson(holder), holderBytes: holder.toString("base64") };
  return [{ ...head(collection, entry), ...rest, ...held, done: "kept-destination" }];
}

/** Adds the bytes to the collection's file; the lines say where they are. */
async function keepRejects(out: string, collection: string, entries: readonly Finding[]) {
  const file = join("rejected", `${escapeCollectionName(collection)}.bson`);
  const rejects = entries.flatMap((entry) => {
    const { reject } = entry.outcome;
    return reject === undefined ? [] : [{ entry, reject }];
  });
  const parts = rejects.map(({ reject }) => reject.bytes);
  const places = await appendBytes(out, file, parts);
  return rejects.map(({ entry, reject: { bytes: _, ...rest } }, index) => {
    return { ...head(collection, entry), ...rest, file, ...places[index] };
  });
}

async function appendBytes(out: string, file: string, parts: readonly Buffer[]) {
  if (parts.length === 0) return [];
  const bytes = Buffer.concat(parts);
  let offset = await withRoom(roomIn(out, bytes.length), () => appendTo(join(out, file), bytes));
  return parts.map(({ length }) => {
    const place = { offset, length };
    offset += length;
    return place;
  });
}

/** Returns where in the file the bytes are. */
async function appendTo(path: string, bytes: Buffer): Promise<number> {
  await mkdir(join(path, ".."), { recursive: true });
  const handle = await open(path, "a");
  try {
    const { size } = await handle.stat();
    await handle.appendFile(bytes);
    await handle.datasync();
    return size;
  } finally {
    await handle.close();
  }
}

async function append(file: FileHandle, lines: readonly object[], out: string) {
  if (lines.length === 0) return;
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  await withRoom(roomIn(out, Buffer.byteLength(text)), async () => {
    failpoint("findings.beforeWrite");
    await file.appendFile(text);
    await file.datasync();
    failpoint("findings.afterWrite");
  });
}

function roomIn(folder: string, neededBytes?: number): Room {
  const what = "the lists of the restore";
  return { what, folder, ...(neededBytes === undefined ? {} : { neededBytes }) };
}
