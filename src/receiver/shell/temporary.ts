import { createHash } from "node:crypto";
import type { Receiving, RsyncRoute } from "../../files/destination.ts";
import type { Ownership } from "../../files/ownership.ts";
import { extractArguments } from "../../files/tar.ts";
import { temporaryFolder } from "../../files/temporary-folder.ts";
import { startProgram } from "./program.ts";
import * as scripts from "./scripts.ts";
import { callIn, type ShellRoot } from "./shell-root.ts";
import { explainEnd, notUsable } from "./tool-error.ts";

/**
 * The variable that all have which work in a folder for unfinished things: what a broken connection
 * left working is found by it in /proc, whatever became of its parents and of their numbers.
 */
export function workMark(root: string, temporary: string): string {
  const digest = createHash("sha256").update(`${root}\0${temporary}`).digest("hex");
  return `MIGCTL_WORKS_IN=${digest}`;
}

const whys: Record<number, string> = {
  [scripts.inTheWay]: "is not a folder",
  [scripts.otherVolume]: "is on another volume",
  [scripts.stillBusy]: "is still worked in by what an earlier attempt began, and cannot be ended",
};

export async function makeTemporary(at: ShellRoot, temporary: string) {
  const folder = temporaryFolder(at.root, temporary);
  const { exitCode } = await callIn(at, {
    script: scripts.makeTemporary,
    args: [temporary, workMark(at.root, temporary)],
    what: `make the folder "${folder}"`,
    answers: [0, ...Object.keys(whys).map(Number)],
  });
  if (exitCode !== 0) throw notUsable(folder, whys[exitCode] ?? "");
}

export async function removeTemporary(at: ShellRoot, temporary: string) {
  const folder = temporaryFolder(at.root, temporary);
  const { exitCode } = await callIn(at, {
    script: scripts.removeTemporary,
    args: [temporary, workMark(at.root, temporary)],
    what: `remove the folder "${folder}"`,
    answers: [0, scripts.stillBusy],
  });
  if (exitCode !== 0) throw notUsable(folder, whys[exitCode] ?? "");
}

export async function rsyncRoute(at: ShellRoot, temporary: string): Promise<RsyncRoute> {
  const { exec, root } = at;
  const folder = temporaryFolder(root, temporary);
  const mark = workMark(root, temporary);
  const connect = (args: readonly string[], signal: AbortSignal) =>
    startProgram(exec, { script: scripts.rsync, args: [root, ...args], mark, signal });
  return { root, unfinished: `${folder}/unfinished`, partial: `${folder}/partial`, connect };
}

export async function unpack(
  at: ShellRoot,
  temporary: string,
  { ownership, signal }: { ownership: Ownership; signal: AbortSignal },
): Promise<Receiving> {
  const { exec, root } = at;
  temporaryFolder(root, temporary);
  const { stream, ended } = await startProgram(exec, {
    ...{ script: scripts.unpack, args: [root, temporary, ...extractArguments(".", ownership)] },
    ...{ mark: workMark(root, temporary), signal, inPieces: true },
  });
  const explained = ended.then(explainEnd);
  explained.catch(() => undefined);
  return { stream, ended: explained };
}
