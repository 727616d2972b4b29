import { execa } from "execa";
import { z } from "zod";
import { type ErrorCode, isErrorCode, MigrationError } from "../core/errors.ts";
import { parseJson } from "../core/parse-json.ts";

/** How to start the manager on this machine: the program and its first arguments. */
export interface ManagerProgram {
  command: string;
  args: readonly string[];
  /** All of its environment: nothing else of ours is inherited. */
  env: Readonly<Record<string, string>>;
}

const Failure = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    fields: z.record(z.string(), z.unknown()).optional(),
  }),
});

export interface Question<T> {
  args: readonly string[];
  input?: unknown;
  schema: z.ZodType<T>;
  /** Has the manager stop and put away what it made for the answer. */
  signal?: AbortSignal;
  /** Told each line of its log while it works. */
  onLog?: ((line: string) => void) | undefined;
}

/**
 * Asks the manager for something that only it can see, and returns its JSON as `schema` reads it.
 * The manager's own error is thrown as ours.
 */
export async function askManager<T>(
  manager: ManagerProgram,
  { args, input, schema, signal, onLog }: Question<T>,
): Promise<T> {
  const child = execa(manager.command, [...manager.args, ...args, "-o", "json"], {
    input: JSON.stringify(input),
    reject: false,
    stderr: "pipe",
    extendEnv: false,
    env: { ...manager.env },
    maxBuffer: 256 * 1024 * 1024,
    // A terminal's Ctrl-C is for us; a second signal would end it before it has cleared up.
    ...(signal === undefined
      ? {}
      : { cancelSignal: signal, forceKillAfterDelay: stopMilliseconds, detached: true }),
  });
  if (onLog !== undefined) for await (const line of child.iterable({ from: "stderr" })) onLog(line);
  const { exitCode, stdout, stderr } = await child;
  signal?.throwIfAborted();
  return readAnswer({ exitCode, stdout, stderr }, schema);
}

const stopMilliseconds = 120_000;

interface Answer {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** What a manager that was asked with `-o json` printed; its own error is thrown as ours. */
export function readAnswer<T>({ exitCode, stdout, stderr }: Answer, schema: z.ZodType<T>): T {
  const answer = parseJson(stdout);
  const failure = Failure.safeParse(answer);
  if (failure.success) throw fromRecord(failure.data.error);
  const result = schema.safeParse(answer);
  if (result.success && answersWell.has(exitCode)) return result.data;
  throw new MigrationError("E_UNEXPECTED", `The manager ended with ${exitCode ?? "a signal"}`, {
    cause: new Error(stderr.slice(-2000) || result.error?.message),
  });
}

/** A verification that found differences answers too. */
const answersWell: ReadonlySet<number | undefined> = new Set([0, 3, 8]);

function fromRecord(record: z.infer<typeof Failure>["error"]): MigrationError {
  const code: ErrorCode = isErrorCode(record.code) ? record.code : "E_UNEXPECTED";
  return new MigrationError(code, record.message, {
    ...(record.hint === undefined ? {} : { hint: record.hint }),
    ...(record.fields === undefined ? {} : { fields: record.fields }),
  });
}

export interface ManagerRun {
  /** Resolves with the manager's exit code. */
  ended: Promise<number>;
  /** Asks it to write a checkpoint and stop; a second time stops it at once. */
  stop(signal: NodeJS.Signals): void;
}

/**
 * Starts a migration's manager beside us, with the plan on its standard input. Its log goes to
 * `onLog` line by line; it goes on by itself should we be killed.
 */
export function startManager(
  manager: ManagerProgram,
  args: readonly string[],
  plan: unknown,
  onLog: (lines: string) => void,
): ManagerRun {
  const child = execa(manager.command, [...manager.args, "run", "--plan", "-", ...args], {
    input: JSON.stringify(plan),
    reject: false,
    buffer: false,
    detached: true,
    cleanup: false,
    stdout: "ignore",
    extendEnv: false,
    // Fewer arenas of the allocator: what is freed in one is no longer held back in many.
    env: {
      ...manager.env,
      MIGCTL_LOG_FORMAT: "json",
      MALLOC_ARENA_MAX: "2",
      MALLOC_MMAP_THRESHOLD_: "262144",
    },
  });
  child.stderr.setEncoding("utf8").on("data", onLog);
  let stops = 0;
  return {
    ended: child.then(exitOf),
    stop(signal) {
      stops += 1;
      child.kill(stops === 1 ? signal : "SIGKILL");
    },
  };
}

function exitOf(end: { exitCode?: number | undefined; signal?: string | undefined }): number {
  return end.exitCode ?? (end.signal === "SIGKILL" ? 137 : 1);
}
