import { MigrationError } from "../../core/errors.ts";
import type { FolderPlacement, Placement, Placing } from "../../files/destination.ts";
import { sameState, timeText } from "../../files/entry.ts";
import type { Look } from "../../files/folder-chain.ts";
import { inheritedMode } from "../../files/ownership.ts";
import { temporaryFolder } from "../../files/temporary-folder.ts";
import { inPieces } from "../in-pieces.ts";
import * as scripts from "./scripts.ts";
import { callIn, type ShellRoot } from "./shell-root.ts";
import { workMark } from "./temporary.ts";
import { notUsable, systemCode } from "./tool-error.ts";
import { look } from "./tree.ts";

type Reason = string | undefined;

/** Moves staged files to their final names: looks at both, and moves what is as it is to be. */
export async function place(
  at: ShellRoot,
  temporary: string,
  { files: all, how }: { files: readonly Placement[]; how: Placing },
): Promise<Reason[]> {
  const staging = { ...at, root: `${temporaryFolder(at.root, temporary)}/staging` };
  return await inPieces(
    all,
    ({ path }) => path,
    async (files) => {
      const paths = files.map(({ path }) => path);
      const [staged, finals] = await Promise.all([look(staging, paths), look(at, paths)]);
      const kept = files.map((file, index) => {
        const [from = absent, to = absent] = [staged[index], finals[index]];
        return whyNotMoved(file, { staged: from, final: to }, how);
      });
      const moving = files.filter((_, index) => kept[index] === undefined);
      const moved = (await move(at, temporary, { files: moving, how })).values();
      return kept.map((one) => (one === undefined ? moved.next().value : one.reason));
    },
  );
}

const absent: Look = { state: "absent" };

async function move(
  at: ShellRoot,
  temporary: string,
  { files, how }: { files: readonly Placement[]; how: Placing },
): Promise<Reason[]> {
  if (files.length === 0) return [];
  const { script, some } = scripts.move;
  const { exitCode, stdout } = await callIn(at, {
    ...{ script, args: [temporary, some], mark: workMark(at.root, temporary) },
    ...{ input: Buffer.concat(files.map((file) => moveItem(file, how))) },
    ...{ what: "put files in place", answers: [0, scripts.inTheWay] },
  });
  if (exitCode !== 0) throw notUsable(temporaryFolder(at.root, temporary), "is not a folder");
  return readReasons(stdout.toString("latin1"), files.length, notPlaced);
}

export async function placeFolders(
  at: ShellRoot,
  all: readonly FolderPlacement[],
): Promise<Reason[]> {
  const { script, some } = scripts.folders;
  return await inPieces(
    all,
    ({ path }) => path,
    async (folders) => {
      const input = Buffer.concat(folders.map(folderItem));
      const { stdout } = await callIn(at, { script, args: [some], input, what: "make folders" });
      return readReasons(stdout.toString("latin1"), folders.length, notPlaced);
    },
  );
}

/** Why a staged file is not moved at all; undefined where it is to be. */
function whyNotMoved(
  file: Placement,
  { staged, final }: { staged: Look; final: Look },
  { isWhole }: Placing,
): { reason: string | undefined } | undefined {
  if (final.state === "blocked") return { reason: final.reason };
  if (staged.state !== "here") {
    // An earlier call may have moved it, whose answer was lost.
    const isMoved =
      final.state === "here" && final.entry.type === file.type && sameState(file, final.entry);
    return { reason: isMoved ? undefined : "tar could not read it" };
  }
  if (isWhole || file.type !== "f" || sameState(file, staged.entry)) return undefined;
  return { reason: "tar could not copy it whole" };
}

/** One item of the script that moves. */
function moveItem({ path, type, mode }: Placement, { ownership }: Placing): Buffer {
  const wanted =
    ownership === "inherit" && type === "f" ? inheritedMode(mode, "f").toString(8) : "-";
  return Buffer.concat([Buffer.from(`${wanted}:./`), path, Buffer.alloc(1)]);
}

/** One item of the script that makes folders, or gives them their attributes. */
function folderItem({ path, mode, owner, mtimeNs }: FolderPlacement): Buffer {
  const isRootItself = path.length === 1 && path[0] === 0x2e;
  const who = owner === undefined ? "-" : `${owner.uid}.${owner.gid}`;
  const time = mtimeNs === undefined ? "-" : timeText(mtimeNs);
  const head = `${mode.toString(8)}:${who}:${time}:${isRootItself ? "" : "./"}`;
  return Buffer.concat([Buffer.from(head), path, Buffer.alloc(1)]);
}

/** What a script said of each item; throws E_NO_SPACE on a full volume. */
export function readReasons(
  text: string,
  count: number,
  reasonOf: (code: string) => Reason,
): Reason[] {
  const lines = text.split("\n").slice(0, -1);
  if (lines.length !== count) {
    throw new MigrationError(
      "E_UNAVAILABLE",
      `The destination's pod answered for ${lines.length} of ${count} names`,
    );
  }
  return lines.map((line) => {
    if (line === "moved") return undefined;
    if (line === "folder") return "the folder for it is not there";
    const said = line.replace(/^failed /, "").trim();
    const code = systemCode(said.replace(/: $/, "")) ?? said;
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw new MigrationError("E_NO_SPACE", "The destination's volume is full");
    }
    return reasonOf(code);
  });
}

function notPlaced(code: string): string {
  return `it cannot be put in place (${code})`;
}
