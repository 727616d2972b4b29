import type { Exec } from "./exec.ts";
import { begin, type Command, cutShort } from "./session.ts";
import { toolError } from "./tool-error.ts";

export interface Call extends Command {
  /** What the script is sent; it is told the number of bytes by its last argument. */
  input?: Buffer;
  /** What it does, for errors: "look at its files". */
  what: string;
  /** Exit codes that are answers. */
  answers?: readonly number[];
}

export interface Answer {
  exitCode: number;
  stdout: Buffer;
}

/** Runs a script to its end; throws where a tool fails, and E_UNAVAILABLE where it was cut. */
export async function call(exec: Exec, one: Call): Promise<Answer> {
  const { input, what, args = [], answers = [0] } = one;
  const length = input === undefined ? [] : [String(input.length)];
  const { session, read, ready, words } = await begin(
    exec,
    { ...one, args: [...args, ...length] },
    input !== undefined,
  );
  const pieces: Buffer[] = [];
  let code: number | undefined;
  const told = new Promise<void>((done) => {
    session.stdout.on("data", (piece: Buffer) => {
      if (code !== undefined) return;
      const { data, exitCode } = read(piece);
      pieces.push(data);
      code = exitCode;
      if (exitCode !== undefined) done();
    });
  });
  const sent = ready.then(() => {
    if (input !== undefined && !session.stdin.destroyed) session.stdin.write(input);
    return told;
  });
  const ended = await Promise.race([sent, session.ended]).catch((error: unknown) => {
    session.close();
    throw error;
  });
  const said = await words();
  if (code === undefined) throw cutShort(ended ?? -1, said);
  if (answers.includes(code)) return { exitCode: code, stdout: Buffer.concat(pieces) };
  throw toolError(what, code, said);
}
