import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { finished } from "node:stream/promises";
import { z } from "zod";
import { codeOf, MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { fileLines } from "../core/lines.ts";
import { isFull, noSpace } from "../core/no-space.ts";
import type { WorkerContext } from "./context.ts";
import { writeLines } from "./files-lists.ts";
import { stopIfAborted } from "./files-stop.ts";

const Head = z.object({ run: z.string(), listed: z.string() });

/**
 * Makes a list of what is to be removed, whole and durable, before the first removal. What an
 * earlier attempt of this run listed stays: some of it may be gone already. So does the list of an
 * earlier run, under another name: nothing else tells what it removed.
 */
export async function keepList(file: string, run: string, entries: AsyncIterable<object>) {
  const earlier = await runOf(file);
  if (earlier === run) return;
  if (earlier !== undefined) {
    await rename(file, file.replace(/(?=\.ndjson$)/, `-${encodeURIComponent(earlier)}`));
  }
  await mkdir(dirname(file), { recursive: true });
  await writeLines(file, withHead(run, entries));
  failpoint("prune.afterList");
}

async function* withHead(run: string, entries: AsyncIterable<object>) {
  yield { run, listed: "what vanished at the source, and is to be removed or is kept" };
  yield* entries;
}

async function runOf(file: string): Promise<string | undefined> {
  const values = valuesOf(file);
  try {
    const { value } = await values.next();
    return value === undefined ? undefined : Head.safeParse(value).data?.run;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  } finally {
    await values.return(undefined);
  }
}

/** What a list holds behind its head, `size` entries at a time. */
export async function* readList<T>(
  file: string,
  schema: z.ZodType<T>,
  size: number,
): AsyncGenerator<T[]> {
  let some: T[] = [];
  let isHead = true;
  for await (const value of valuesOf(file)) {
    if (!isHead) some.push(schema.parse(value));
    isHead = false;
    if (some.length < size) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

async function* valuesOf(file: string): AsyncGenerator<unknown> {
  for await (const line of fileLines(file)) yield parse(line, file);
}

function parse(line: string, file: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new MigrationError("E_INTEGRITY", `The list "${file}" is damaged`, {
      cause,
      hint: "Begin anew with --rerun: the list is made again",
    });
  }
}

export interface KeptLines {
  /** Throws what an earlier write met with. */
  add(...lines: object[]): void;
  /** Waits while more is to be written than the volume takes. */
  drained(): Promise<void>;
  /** All of it is durable when it returns. Throws what a write met with. */
  close(): Promise<void>;
}

/**
 * What is kept, with its reasons; made anew by each attempt, which looks at the whole list, unless
 * it is to be gone on with.
 */
export async function openKept(file: string, flags: "w" | "a" = "w"): Promise<KeptLines> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true });
  const stream = createWriteStream(file, { flags, flush: true });
  let failure: unknown;
  const ended = finished(stream).catch((error: unknown) => {
    failure = isFull(error) ? noSpace({ what: basename(file), folder }, error) : error;
  });
  return {
    add(...lines) {
      if (failure !== undefined) throw failure;
      for (const line of lines) stream.write(`${JSON.stringify(line)}\n`);
    },
    async drained() {
      if (stream.writableNeedDrain) await once(stream, "drain");
    },
    async close() {
      stream.end();
      await ended;
      if (failure !== undefined) throw failure;
    },
  };
}

export interface Pruned {
  removed: number;
  kept: number;
}

interface Removing<T> {
  /** The folder of the lists. */
  out: string;
  part: "documents" | "files";
  schema: z.ZodType<T>;
  ctx: Pick<WorkerContext, "signal" | "report">;
}

const removedAtOnce = 200;

/** Removes what is listed, some at a time; `removeSome` returns how many of them are kept. */
export async function removeListed<T>(
  { out, part, schema, ctx }: Removing<T>,
  removeSome: (some: readonly T[], kept: KeptLines) => Promise<number>,
): Promise<Pruned> {
  const pruned: Pruned = { removed: 0, kept: 0 };
  const kept = await openKept(`${out}/${part}-kept.ndjson`);
  try {
    for await (const some of readList(`${out}/${part}.ndjson`, schema, removedAtOnce)) {
      stopIfAborted(ctx.signal, `The removal of ${part}`);
      const left = await removeSome(some, kept);
      await kept.drained();
      pruned.kept += left;
      pruned.removed += some.length - left;
      ctx.report({ phase: "removing", [part]: { done: pruned.removed + pruned.kept } });
    }
    return pruned;
  } finally {
    await kept.close();
  }
}
