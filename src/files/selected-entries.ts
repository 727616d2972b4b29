import { MigrationError } from "../core/errors.ts";
import {
  type FileEntry,
  isRoot,
  isWithin,
  nameOf,
  parentOf,
  partsOf,
  printablePath,
  rootPath,
  safeRelativePath,
} from "./entry.ts";
import type { FolderChain } from "./folder-chain.ts";
import type { Via } from "./inventory-entry.ts";
import { walkTree } from "./walk.ts";

/** Concrete places, below the root; who makes them has resolved the application's patterns. */
export type PathSpec =
  | { directory: Buffer; owned: boolean; via?: Via }
  /** The names that begin like the last part, and whose next byte is not [0-9A-Za-z-]. */
  | { prefix: Buffer; owned?: boolean }
  | { file: Buffer; owned?: boolean };

export type Selection =
  | {
      kind: "tree";
      /** Top-level names that stay out. */
      exclude: readonly (Buffer | string)[];
      /** Paths that stay out with everything below them. */
      excludePaths?: readonly Buffer[];
      /** What belongs to documents; these come also from within what is excluded by name. */
      owned: readonly PathSpec[];
    }
  | { kind: "paths"; paths: readonly PathSpec[]; excludePaths?: readonly Buffer[] };

export type Added = FileEntry & { via: Via; owned: boolean; parent: boolean };

export interface Surroundings {
  root: string;
  chain: FolderChain;
  missing: { path: Buffer; reason: string }[];
  /** Within the tree that is walked anyway: only marked. */
  owned: Buffer[];
}

export const notThere = "it does not exist";

/** Everything that is selected; what is selected twice comes twice. */
export function* entriesOf(selection: Selection, around: Surroundings): Generator<Added> {
  const out = selection.excludePaths ?? [];
  const never = (path: Buffer) => out.some((folder) => isWithin(path, folder));
  if (selection.kind === "paths") {
    for (const spec of selection.paths) yield* specEntries(spec, around, never);
    return;
  }
  const names = selection.exclude.map((name) => Buffer.from(name));
  const excluded = (path: Buffer) => names.some((name) => isWithin(path, name));
  const exclude = (path: Buffer) => excluded(path) || never(path);
  yield* marked(walkTree(around.root, { exclude }), { via: "rsync", owned: false });
  for (const spec of selection.owned) {
    if (excluded(pathOf(spec)) || "prefix" in spec) yield* specEntries(spec, around, never);
    else around.owned.push(pathOf(spec));
  }
}

function* specEntries(
  spec: PathSpec,
  { root, chain, missing }: Surroundings,
  exclude: (path: Buffer) => boolean,
): Generator<Added> {
  const path = pathOf(spec);
  const look = chain.look("prefix" in spec ? parentOf(path) : path);
  if (look.state !== "here") {
    missing.push({ path, reason: look.state === "absent" ? notThere : look.reason });
    return;
  }
  const starts = "prefix" in spec ? namesWithPrefix(root, path) : [path];
  if (starts.length === 0) missing.push({ path, reason: "no name begins so" });
  const via = "directory" in spec ? (spec.via ?? "rsync") : "tar";
  for (const from of starts) {
    yield* parentsOf(from, chain);
    yield* marked(walkTree(root, { from, exclude }), { via, owned: spec.owned ?? true });
  }
}

/** The folders above a selected path: they are made with the source's attributes where missing. */
function* parentsOf(path: Buffer, chain: FolderChain): Generator<Added> {
  const parents: Buffer[] = [];
  for (let at = path; !isRoot(at); at = parentOf(at)) parents.push(parentOf(at));
  for (const parent of parents) {
    const look = chain.look(parent);
    if (look.state !== "here") continue;
    yield { ...look.entry, via: "rsync", owned: false, parent: true };
  }
}

/** The folder is listed without going down: excluding the children of its folders keeps it flat. */
function namesWithPrefix(root: string, prefix: Buffer): Buffer[] {
  const folder = parentOf(prefix);
  const depth = partsOf(folder).length + 1;
  const start = nameOf(prefix);
  const names: Buffer[] = [];
  const exclude = (path: Buffer) => {
    if (partsOf(path).length < depth) return false;
    if (beginsLike(nameOf(path), start)) names.push(Buffer.from(path));
    return true;
  };
  for (const _ of walkTree(root, { from: folder, exclude }));
  return names.sort(Buffer.compare);
}

/** So that the model "x" takes "x.zip" and "x_1", but not "xy.zip" or "x-2". */
export function beginsLike(name: Buffer, start: Buffer): boolean {
  if (!name.subarray(0, start.length).equals(start)) return false;
  const next = name[start.length];
  return next === undefined || !/[0-9A-Za-z-]/.test(String.fromCharCode(next));
}

function* marked(entries: Iterable<FileEntry>, marks: { via: Via; owned: boolean }) {
  for (const entry of entries) {
    const via = entry.type === "d" ? "rsync" : marks.via;
    yield { ...entry, via, owned: marks.owned, parent: false };
  }
}

function pathOf(spec: PathSpec): Buffer {
  if ("directory" in spec) return spec.directory;
  return "prefix" in spec ? spec.prefix : spec.file;
}

/** Throws E_REFUSED for a path that would leave the root, or would select everything. */
export function checkPaths(selection: Selection) {
  const specs = selection.kind === "tree" ? selection.owned : selection.paths;
  const paths = [...specs.map(pathOf), ...(selection.excludePaths ?? [])];
  for (const path of paths) {
    if (safeRelativePath(path) && !(path.length === 0)) continue;
    const { path: shown } = printablePath(path);
    throw new MigrationError(
      "E_REFUSED",
      `The path "${shown}" would leave the folder of the data`,
      {
        hint: "Check the ids and owners in the database: each must be one name",
      },
    );
  }
  const root = specs.some((spec) => "prefix" in spec && pathOf(spec).equals(rootPath));
  if (root) throw new MigrationError("E_REFUSED", 'The prefix "." would select everything');
}
