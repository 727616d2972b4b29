import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { constants } from "node:os";
import { Duplex, finished } from "node:stream";
import { codeOf, MigrationError } from "../core/errors.ts";
import { childEnvironment, endGroup } from "../core/process.ts";
import type { Receiving } from "./destination.ts";

const keptCharacters = 16 * 1024;
const graceSeconds = 10;

/** Starts a program that is sent its input; an abort ends it with all that it started. */
export function startReceiving(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Receiving {
  const child = spawn(program, args, { detached: true, env: childEnvironment() });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-keptCharacters);
  });
  let kill: NodeJS.Timeout | undefined;
  const end = () => {
    kill ??= endGroup(child.pid, graceSeconds);
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const ended = new Promise<{ exitCode: number; stderr: string }>((done, fail) => {
    child.on("error", (cause) => fail(cannotStart(program, cause)));
    child.on("close", (code, name) => {
      signal.removeEventListener("abort", end);
      clearTimeout(kill);
      done({ exitCode: code ?? 128 + constants.signals[name ?? "SIGKILL"], stderr });
    });
  });
  ended.catch(() => undefined);
  return { stream: streamOf(child), ended };
}

/**
 * Both pipes as one stream. A program that ends before it has read all is told to the writer only
 * after what it had said was read: its last words say why.
 */
function streamOf({ stdin, stdout }: ChildProcessWithoutNullStreams): Duplex {
  const said = new Promise<void>((done) => {
    stdout.once("close", done);
  });
  const stream = new Duplex({
    read: () => void stdout.resume(),
    write: (piece: Buffer, _, done) => {
      stdin.write(piece, (error) => {
        if (error) void said.then(() => done(error));
        else done();
      });
    },
    final: (done) => {
      // The callback of `end` is forgotten where the program ends at the same moment.
      finished(stdin, { readable: false }, () => done());
      stdin.end();
    },
    destroy: (error, done) => {
      stdin.destroy();
      stdout.destroy();
      done(error);
    },
  });
  stdout.on("data", (piece: Buffer) => {
    if (!stream.push(piece)) stdout.pause();
  });
  stdout.on("end", () => void stream.push(null));
  stdout.on("error", (error) => void stream.destroy(error));
  stdin.on("error", () => undefined);
  stream.on("error", () => undefined);
  return stream;
}

function cannotStart(program: string, cause: unknown): MigrationError {
  const missing = codeOf(cause) === "ENOENT";
  return new MigrationError("E_PROGRAM", `Cannot start "${program}"`, {
    cause,
    hint: missing ? `Install ${program}, or put it on PATH` : "See the cause in the log",
  });
}
