import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { options } from "../config/options.ts";
import { codeOf } from "../core/errors.ts";
import { type PathSpec, type Selection, takeInventory } from "../files/take-inventory.ts";
import type { OwnershipMode } from "../plan/steps.ts";
import { checkFolders } from "../workers/check-folders.ts";
import type { WorkerContext } from "../workers/context.ts";

/** The flags of every command that works on files. */
export const filesArgs = {
  from: options.from,
  to: options.to,
  exclude: options.exclude,
  ownership: options.ownership,
  ledger: options.ledger,
  "report-dir": options["report-dir"],
};

export interface FilesFlags {
  from: string;
  to: string;
  path?: string[];
  exclude?: string[];
  ownership?: OwnershipMode;
  /** The paths are files, not directories. */
  single?: true;
}

/** Takes the inventory of what the flags select, into `scratch`; what a worker on files is given. */
export async function prepareFiles(flags: FilesFlags, ctx: WorkerContext, scratch: string) {
  const folders = await checkFolders(resolve(flags.from), resolve(flags.to));
  const inventory = join(scratch, "files.sqlite");
  const { missing } = await takeInventory({
    root: folders.sourceDir,
    selection: selectionOf(flags),
    file: inventory,
    signal: ctx.signal,
    report: ctx.report,
  });
  const isRoot = process.getuid?.() === 0;
  const ownership: OwnershipMode = flags.ownership ?? (isRoot ? "preserve" : "inherit");
  return { input: { ...folders, inventory, ownership }, missing };
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
