import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { codeOf, MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { writeLines } from "./files-lists.ts";

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
  const lines = linesOf(file);
  try {
    const { value } = await lines.next();
    return value === undefined ? undefined : Head.safeParse(value).data?.run;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  } finally {
    await lines.return(undefined);
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
  for await (const value of linesOf(file)) {
    if (!isHead) some.push(schema.parse(value));
    isHead = false;
    if (some.length < size) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

async function* linesOf(file: string): AsyncGenerator<unknown> {
  // A stream tells only later that it could not be opened.
  await (await open(file)).close();
  const input = createReadStream(file);
  try {
    for await (const line of createInterface({ input })) yield parse(line, file);
  } finally {
    input.destroy();
  }
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
  add(...lines: object[]): void;
  close(): Promise<void>;
}

/**
 * What is kept, with its reasons; made anew by each attempt, which looks at the whole list, unless
 * it is to be gone on with.
 */
export async function openKept(file: string, flags: "w" | "a" = "w"): Promise<KeptLines> {
  await mkdir(dirname(file), { recursive: true });
  const stream = createWriteStream(file, { flags, flush: true });
  return {
    add(...lines) {
      for (const line of lines) stream.write(`${JSON.stringify(line)}\n`);
    },
    close: () =>
      new Promise((done, fail) => {
        stream.once("error", fail);
        stream.end(() => done());
      }),
  };
}
