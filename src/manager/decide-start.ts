import { randomBytes } from "node:crypto";
import { type ExitCode, errorCodes, exitCodes } from "../core/errors.ts";
import type { RunResult } from "../state/result.ts";
import type { Status } from "../state/status.ts";

export interface StartRequest {
  /** All steps again; with an attempt once for it, however often its pod restarts. */
  rerun: boolean;
  /** Names the start that somebody asked for; without it each one is. */
  attempt?: string;
}

/** What is known of the migration when it is started. */
export interface Before {
  status: Status | undefined;
  /** How the same attempt ended before. */
  result: RunResult | undefined;
  /** The pod that we are in. */
  host: string;
}

export type Start =
  | { kind: "run"; run: string }
  /** There is nothing to do: it ended, and nobody asked for it again. */
  | { kind: "ended"; state: "done" | "failed"; exitCode: ExitCode };

/**
 * Whether a migration is begun, goes on, or had its end. What is done is not done again, and what
 * failed only when somebody asks for it, which makes another attempt, or when a new pod may find
 * what its predecessor missed.
 */
export function decideStart({ rerun, attempt }: StartRequest, before: Before): Start {
  const { status } = before;
  if (status === undefined) return { kind: "run", run: newRun(rerun ? attempt : undefined) };
  if (rerun && status.run !== attempt) return { kind: "run", run: newRun(attempt) };
  if (status.state === "done") return { kind: "ended", state: "done", exitCode: codeOf(status) };
  if (status.state === "failed" && before.result && !isTriedAgain(status, before.result, before)) {
    return { kind: "ended", state: "failed", exitCode: codeOf(status) };
  }
  return { kind: "run", run: status.run };
}

function newRun(attempt: string | undefined): string {
  return attempt ?? randomBytes(6).toString("hex");
}

function isTriedAgain(status: Status, result: RunResult, { host }: Before): boolean {
  // It was locked out: the failure is another one's.
  if (result.error?.code === "E_LOCKED") return true;
  return result.host !== host && isTransient(status);
}

function isTransient({ items }: Status): boolean {
  const errors = items.flatMap(({ steps }) => steps.flatMap(({ error }) => error?.code ?? []));
  return errors.length > 0 && errors.every((code) => errorCodes[code].kind === "transient");
}

function codeOf({ exitCode }: Status): ExitCode {
  return Object.values(exitCodes).find((code) => code === exitCode) ?? exitCodes.unexpected;
}
