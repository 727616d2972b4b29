import type { Look } from "../../files/folder-chain.ts";
import type { Space } from "../../files/space.ts";
import { inPieces } from "../in-pieces.ts";
import { readLooks } from "./look.ts";
import * as scripts from "./scripts.ts";
import { callIn, type ShellRoot } from "./shell-root.ts";

const nul = Buffer.alloc(1);

/** NUL-separated, each with a leading "./". */
function listOf(paths: readonly Buffer[]): Buffer {
  return Buffer.concat(paths.flatMap((path) => [Buffer.from("./"), path, nul]));
}

export async function look(at: ShellRoot, all: readonly Buffer[]): Promise<Look[]> {
  return await inPieces(
    all,
    (path) => path,
    async (paths) => {
      const { script, some } = scripts.look;
      const what = "look at its files";
      const { stdout } = await callIn(at, { script, args: [some], input: listOf(paths), what });
      return readLooks(paths, stdout.toString("latin1"));
    },
  );
}

export async function names(at: ShellRoot): Promise<string[]> {
  const { stdout } = await callIn(at, { script: scripts.names, what: "list its folder" });
  return stdout.toString("utf8").split("\0").slice(0, -1);
}

export async function space(at: ShellRoot): Promise<Space> {
  const { stdout } = await callIn(at, { script: scripts.space, what: "tell its free space" });
  const [blocks = 0, blockSize = 0, files = 0, freeFiles] = stdout
    .toString()
    .split(" ")
    .map(Number);
  return { freeBytes: blocks * blockSize, freeFiles: files > 0 ? freeFiles : undefined };
}
