import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadOwnership } from "../config/load.ts";
import { options } from "../config/options.ts";
import { codeOf } from "../core/errors.ts";
import { checkFolder } from "../files/check-folder.ts";
import { openLocalDestination } from "../files/local-destination.ts";
import type { PathSpec, Selection } from "../files/selected-entries.ts";
import { takeInventory } from "../files/take-inventory.ts";
import type { OwnershipMode } from "../plan/steps.ts";
import { refuseSameFolder } from "../workers/check-folders.ts";
import type { FilesContext, WorkerContext } from "../workers/context.ts";

/** The flags of every command that works on files. */
export const filesArgs = {
  from: options.from,
  to: options.to,
  exclude: options.exclude,
  ownership: options.ownership,
  usermap: options.usermap,
  groupmap: options.groupmap,
  chown: options.chown,
  ledger: options.ledger,
  "report-dir": options["report-dir"],
};

export interface FilesFlags {
  from: string;
  to: string;
  path?: string[];
  exclude?: string[];
  ownership?: OwnershipMode;
  usermap?: string;
  groupmap?: string;
  chown?: string;
  /** The paths are files, not directories. */
  single?: true;
}

/**
 * Takes the inventory of what the flags select, into `scratch`; what a worker on files is given
 * beside that, and in its context.
 */
export async function prepareFiles(flags: FilesFlags, ctx: WorkerContext, scratch: string) {
  const chosen = loadOwnership(flags);
  const sourceDir = await checkFolder(resolve(flags.from), "source");
  const { dir } = await openLocalDestination(flags.to).check();
  await refuseSameFolder(sourceDir, dir);
  const destination = openLocalDestination(dir);
  const inventory = join(scratch, "files.sqlite");
  const { missing } = await takeInventory({
    root: sourceDir,
    selection: selectionOf(flags),
    file: inventory,
    signal: ctx.signal,
    report: ctx.report,
  });
  const { preserve } = await destination.powers();
  const ownership: OwnershipMode = chosen.ownership ?? (preserve ? "preserve" : "inherit");
  const files: FilesContext = { ...ctx, destination };
  return { input: { sourceDir, inventory, ...chosen, ownership }, files, missing };
}

function selectionOf({ path = [], exclude = [], single }: FilesFlags): Selection {
  if (path.length === 0) {
    return { kind: "tree", exclude, owned: [{ directory: Buffer.from("."), owned: true }] };
  }
  const paths = path.map((text): PathSpec => {
    const bytes = Buffer.from(text.replace(/^(\.\/)+/, "").replace(/\/+$/, "") || ".");
    return single ? { file: bytes, owned: true } : { directory: bytes, owned: true };
  });
  return { kind: "paths", paths, excludePaths: exclude.map((name) => Buffer.from(name)) };
}

/** Keeps a list that a worker left in `scratch` beyond the command, where that is wanted. */
export async function keepList(list: string, scratch: string, folder: string | undefined) {
  if (folder === undefined) return;
  await mkdir(resolve(folder), { recursive: true });
  await copyFile(join(scratch, list), join(resolve(folder), list));
}

const shownLines = 100;

/** The first lines of a list, of which there are none where it does not exist. */
export async function readList(list: string, scratch: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(scratch, list), "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.slice(0, shownLines).map((line) => JSON.parse(line));
}
