import { MigrationError } from "../../core/errors.ts";
import { isRoot } from "../../files/entry.ts";
import type { HashOptions } from "../../files/hash.ts";
import type { Exec } from "./exec.ts";
import { noDigest, noRoot, hash as script } from "./scripts.ts";
import { type Begun, begin, cutShort } from "./session.ts";
import { missingTool, toolError } from "./tool-error.ts";

export interface Hashing {
  hash(path: Buffer, options?: HashOptions): Promise<Buffer>;
  close(): void;
}

/** One session that answers one question after another, so that a file costs no session of its own. */
interface Line {
  ask(question: string): Promise<string>;
  isOpen(): boolean;
  close(): void;
}

/** SHA-256 by the tool there. As many sessions are kept as files were hashed at the same time. */
export function makeHashing(exec: Exec, root: string): Hashing {
  const idle: Line[] = [];
  const all = new Set<Line>();
  async function line(): Promise<Line> {
    for (let known = idle.pop(); known !== undefined; known = idle.pop()) {
      if (known.isOpen()) return known;
      all.delete(known);
    }
    const opened = await openLine(exec, root);
    all.add(opened);
    return opened;
  }
  async function hash(path: Buffer, { signal, onBytes }: HashOptions = {}): Promise<Buffer> {
    signal?.throwIfAborted();
    if (isRoot(path)) throw notRegular();
    const one = await line();
    const leave = () => one.close();
    signal?.addEventListener("abort", leave, { once: true });
    try {
      const { digest, size } = readAnswer(await one.ask(octal(path)));
      idle.push(one);
      onBytes?.(size);
      signal?.throwIfAborted();
      return digest;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }
  function close() {
    for (const one of all) one.close();
  }
  return { hash, close };
}

async function openLine(exec: Exec, root: string): Promise<Line> {
  const begun = await begin(exec, { script, args: [root] }, true);
  const { session } = begun;
  let waiting: PromiseWithResolvers<string> | undefined;
  let failure: unknown;
  let rest = "";
  function fail(error: unknown) {
    failure ??= error;
    waiting?.reject(failure);
  }
  session.stdout.on("data", (piece: Buffer) => {
    const { data, exitCode } = begun.read(piece);
    rest += data.toString("latin1");
    const end = rest.indexOf("\n");
    if (end >= 0) {
      waiting?.resolve(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
    if (exitCode !== undefined) void whyEnded(begun, exitCode).then(fail);
  });
  session.ended.then(async (code) => fail(cutShort(code, await begun.words())), fail);
  await begun.ready.catch((error: unknown) => {
    session.close();
    throw error;
  });
  return {
    async ask(question) {
      if (failure !== undefined) throw failure;
      waiting = Promise.withResolvers();
      session.stdin.write(`${question}\n`);
      return await waiting.promise;
    },
    isOpen: () => failure === undefined,
    close: () => session.close(),
  };
}

async function whyEnded({ words }: Begun, exitCode: number): Promise<MigrationError> {
  if (exitCode === noDigest) return missingTool("sha256sum, and no openssl");
  const said = await words();
  return exitCode === noRoot
    ? toolError("enter its folder", exitCode, said)
    : cutShort(exitCode, said);
}

/** As printf's "%b" reads it: every byte arrives, whatever the shell thinks of it. */
function octal(path: Buffer): string {
  let text = "./";
  for (const byte of path) text += `\\0${byte.toString(8).padStart(3, "0")}`;
  return text;
}

function readAnswer(answer: string): { digest: Buffer; size: number } {
  const [, digest, size] = /^\\?([0-9a-f]{64}) (\d+)$/.exec(answer) ?? [];
  if (digest !== undefined) return { digest: Buffer.from(digest, "hex"), size: Number(size) };
  if (answer === "E_REFUSED") throw notRegular();
  if (/^E[A-Z]+$/.test(answer)) {
    throw Object.assign(new Error(`It cannot be read (${answer})`), { code: answer });
  }
  throw new MigrationError("E_PROGRAM", `A digest is not understood: ${answer.slice(0, 200)}`);
}

function notRegular(): MigrationError {
  return new MigrationError("E_REFUSED", "Only regular files can be hashed");
}
