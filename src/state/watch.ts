import { readFile, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { exitCodes } from "../core/errors.ts";
import { parseJson } from "../core/parse-json.ts";
import { readStatusIfAny } from "./recover.ts";
import { RunResult, readResult } from "./result.ts";
import { Status } from "./status.ts";

/** What a watched migration has come to. */
export const Seen = z.object({
  /** Absent while there is none yet. */
  status: Status.optional(),
  /** How this start ended; the last that is seen. */
  result: RunResult.optional(),
});
export type Seen = z.infer<typeof Seen>;

const pollMilliseconds = 500;

export interface Watch {
  folder: string;
  /** Which start of the migration. */
  attempt: string;
  /** Tells the end of a manager in this pod that could not write into the folder. */
  terminationLog?: string | undefined;
  signal: AbortSignal;
}

/** What a migration's folder tells, each time that it changes, until the named start has ended. */
export async function* watchFolder({
  folder,
  attempt,
  terminationLog,
  signal,
}: Watch): AsyncGenerator<Seen> {
  let shown = "";
  for (;;) {
    const result =
      (await readResult(folder, attempt)) ?? (await resultFrom(terminationLog, attempt));
    const isOver = result?.attempt === attempt;
    const status = await readStatusIfAny(folder);
    const mark = `${status?.seq} ${status?.updatedAt} ${isOver}`;
    if (mark !== shown) {
      yield { ...(status === undefined ? {} : { status }), ...(isOver ? { result } : {}) };
    }
    if (isOver) return;
    shown = mark;
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

const Termination = RunResult.pick({ exitCode: true, error: true });

/** A stop that was asked for is no end: the next pod goes on. */
async function resultFrom(
  terminationLog: string | undefined,
  attempt: string,
): Promise<RunResult | undefined> {
  if (terminationLog === undefined) return undefined;
  const { mtimeMs, text } = await readWithTime(terminationLog);
  const end = Termination.safeParse(parseJson(text)).data;
  if (end === undefined || stops.has(end.exitCode)) return undefined;
  const finishedAt = Math.round(mtimeMs);
  return { version: 1, name: "", attempt, host: hostname(), finishedAt, ...end };
}

const stops: ReadonlySet<number> = new Set([exitCodes.interrupted, exitCodes.terminated]);

async function readWithTime(path: string): Promise<{ text: string; mtimeMs: number }> {
  try {
    const { mtimeMs } = await stat(path);
    return { text: await readFile(path, "utf8"), mtimeMs };
  } catch {
    return { text: "", mtimeMs: 0 };
  }
}
