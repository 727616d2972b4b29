import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError } from "../../core/errors.ts";
import type { Exec, ShellSession } from "./exec.ts";
import { makeTrailerReader, type TrailerReader } from "./trailer.ts";

/** One script to be run, and what it is given. */
export interface Command {
  script: string;
  args?: readonly string[];
  /** A variable by which its processes are known in the pod, as NAME=value. */
  mark?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface Begun {
  session: ShellSession;
  read: TrailerReader;
  /**
   * Resolves once the script has said that it runs, which it does while its output is read: nothing
   * is to be sent before. Rejects with E_UNAVAILABLE where it does not say so in time.
   */
  ready: Promise<void>;
  /** The end of what it said on standard error, once it has ended. */
  words(): Promise<string>;
}

const keptCharacters = 16 * 1024;
const wordsMilliseconds = 2000;

const begunWord = " begun\n";
const readyMilliseconds = 60_000;

/** Every script's first lines: `end CODE` writes the trailer, without which nothing is believed. */
const head = `LC_ALL=C; export LC_ALL; unset CDPATH; set -f; trailer=$1; shift
printf '%s begun\\n' "$trailer"
end() { printf '%s %d\\n' "$trailer" "$1"; }
`;

export async function begin(exec: Exec, command: Command, stdin: boolean): Promise<Begun> {
  const { script, args = [], mark, signal } = command;
  const trailer = randomBytes(16).toString("hex");
  const shell = ["sh", "-c", head + script, "migctl", trailer, ...args];
  const session = await exec(mark === undefined ? shell : ["env", mark, ...shell], {
    stdin,
    ...(signal === undefined ? {} : { signal }),
  });
  session.stdin.on("error", () => undefined);
  session.ended.catch(() => undefined);
  let said = "";
  session.stderr.on("data", (piece: Buffer) => {
    said = (said + piece.toString("latin1")).slice(-keptCharacters);
  });
  const words = async () => {
    // Both outputs come side by side; a command with unread input may never be told as ended.
    const ended = session.ended.catch(() => undefined);
    const late = new AbortController();
    const tooLate = sleep(wordsMilliseconds, undefined, { signal: late.signal });
    await Promise.race([ended, tooLate.catch(() => undefined)]);
    late.abort();
    session.close();
    return said;
  };
  return { session, ...whenReady(session, trailer), words };
}

/** Takes the first line out of what a script says. */
function whenReady(session: ShellSession, trailer: string): Pick<Begun, "read" | "ready"> {
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => undefined);
  const timer = setTimeout(() => reject(notReady()), readyMilliseconds);
  // How a session ended says more than that it never was ready.
  const settle = () => {
    clearTimeout(timer);
    resolve();
  };
  session.ended.then(settle, settle);
  const mark = Buffer.from(trailer + begunWord);
  const readOn = makeTrailerReader(Buffer.from(trailer));
  let before: Buffer | undefined = Buffer.alloc(0);
  function read(piece: Buffer) {
    if (before === undefined) return readOn(piece);
    before = Buffer.concat([before, piece]);
    const at = before.indexOf(mark);
    if (at < 0) return { data: Buffer.alloc(0) };
    const rest = before.subarray(at + mark.length);
    before = undefined;
    settle();
    return readOn(rest);
  }
  return { read, ready };
}

function notReady(): MigrationError {
  const seconds = readyMilliseconds / 1000;
  return new MigrationError(
    "E_UNAVAILABLE",
    `A command in the destination's pod did not begin within ${seconds} s`,
    { hint: "Check the pod and its node, then start again" },
  );
}

/** A session that ended without the trailer: whatever exit code the API told. */
export function cutShort(exitCode: number, words: string): MigrationError {
  const said = words.trim() === "" ? "" : `: ${words.trim()}`;
  return new MigrationError(
    "E_UNAVAILABLE",
    `A command in the destination's pod ended with ${exitCode}, but without its last line${said}`,
    { hint: "Check that the pod runs and has a POSIX sh, then start again" },
  );
}
