import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { MigrationError } from "../core/errors.ts";
import { parseJson } from "../core/parse-json.ts";
import { redactValue } from "../core/secrets.ts";
import { StepError } from "./status.ts";

/**
 * How one start of a migration ended, also where it ended before there was a status, or because
 * another process works on it. There is none while it runs, or after it was stopped.
 */
export const RunResult = z.object({
  version: z.literal(1),
  name: z.string(),
  /** Which start it was: one that somebody asked for, with all restarts of its pod. */
  attempt: z.string(),
  /** The pod. */
  host: z.string(),
  /** Milliseconds since 1970. */
  finishedAt: z.number().int(),
  exitCode: z.number().int(),
  /** The first one, where there was any. */
  error: StepError.exactOptional(),
});
export type RunResult = z.infer<typeof RunResult>;

export async function writeResult(folder: string, result: RunResult) {
  const text = `${JSON.stringify(redactValue(result), undefined, 2)}\n`;
  await writeFileAtomic(pathOf(folder, result.attempt), text);
}

/** Undefined where there is none, or none that this program can read. */
export async function readResult(folder: string, attempt: string): Promise<RunResult | undefined> {
  const text = await readFile(pathOf(folder, attempt), "utf8").catch(() => undefined);
  return RunResult.safeParse(parseJson(text ?? "")).data;
}

export async function removeResult(folder: string, attempt: string) {
  await rm(pathOf(folder, attempt), { force: true });
}

/** Each start has a file of its own: one that was locked out writes while another one works. */
function pathOf(folder: string, attempt: string): string {
  return join(folder, `result-${checkAttempt(attempt)}.json`);
}

/** Throws E_USAGE unless the name of a start can be part of a file's name, and of an object's. */
export function checkAttempt(attempt: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(attempt)) return attempt;
  throw new MigrationError("E_USAGE", `"${attempt}" cannot name a start of a migration`, {
    hint: "Use lower-case letters, digits and dashes, at most 63",
  });
}
