import { readdirSync } from "node:fs";
import { relative } from "node:path";
import { MigrationError } from "../core/errors.ts";
import type { FileLedger, KnownFile } from "../core/ledger.ts";
import type { FileDestination, Removal } from "../files/destination.ts";
import { isRoot, parentOf, rootPath, sameState } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import type { Inventory } from "../files/inventory.ts";
import type { FileTree } from "../files/local-tree.ts";
import { removalOf } from "../files/remove.ts";
import type { Scope } from "../plan/scope.ts";
import { mayBeOfScope, whyScopeUnknown } from "./vanished-scope.ts";

/** A file of ours, or a folder, of which the source has nothing any more. */
export interface VanishedFile extends Removal {
  /** Why it is kept all the same. */
  kept?: string;
}

export interface FileSides {
  sourceDir: string;
  /** Holds the migrations' own folders, which are nobody's data. */
  workDir: string;
  source: FileTree;
  destination: Pick<FileDestination, "look" | "hash">;
  inventory: Inventory;
  ledger: FileLedger;
  scope: Scope;
  signal: AbortSignal;
}

/** Finds what this scope's runs wrote and what vanished since; what is in a folder comes before it. */
export async function* vanishedFiles(sides: FileSides): AsyncGenerator<VanishedFile> {
  refuseEmpty(sides);
  for (const page of sides.ledger.pages()) {
    const wanted = page.filter((known) => isWanted(known, sides));
    const looks = await sides.source.look(wanted.map(({ path }) => path));
    const vanished = wanted.flatMap((known, at) => {
      const source = looks[at] ?? absent;
      return source.state === "here" ? [] : [{ known, source }];
    });
    const there = await sides.destination.look(vanished.map(({ known }) => known.path));
    for (const [at, one] of vanished.entries()) {
      const look = there[at] ?? absent;
      if (look.state === "absent") continue;
      const kept = await whyKept({ ...one, there: look }, sides);
      const found = look.state === "here" ? removalOf(look.entry) : unseen(one.known.path);
      yield kept === undefined ? found : { ...found, kept };
    }
  }
}

const absent = { state: "absent" } as const;

/** It is kept, whatever it is. */
function unseen(path: Buffer): Removal {
  return { path, type: "f", size: 0, mtimeNs: 0n };
}

/** A volume that is not mounted looks like one of which all has vanished. */
function refuseEmpty({ sourceDir, workDir }: FileSides) {
  const [own] = relative(sourceDir, workDir).split("/");
  if (readdirSync(sourceDir).some((name) => name !== own && name !== "lost+found")) return;
  throw new MigrationError("E_REFUSED", `The source folder "${sourceDir}" is empty`, {
    hint: "Nothing is removed for that; see whether its volume is mounted, or leave --prune out",
  });
}

function isWanted({ path, record, origin }: KnownFile, { scope, inventory }: FileSides): boolean {
  if (!record.ours || record.state !== "written" || isRoot(path)) return false;
  return mayBeOfScope(origin, scope) && inventory.get(path) === undefined;
}

/** What both sides say of a file; the source is asked once more before it is removed. */
interface Vanished {
  known: KnownFile;
  source: Exclude<Look, { state: "here" }>;
  there: Look;
}

async function whyKept(
  { known, source, there }: Vanished,
  sides: FileSides,
): Promise<string | undefined> {
  const unknown = whyScopeUnknown(known.origin, sides.scope);
  if (unknown !== undefined) return unknown;
  if (source.state === "blocked") return `the source cannot be asked: ${source.reason}`;
  return (await volumeReason(known, sides)) ?? (await whyNotOurs(known, there, sides));
}

/** A name can vanish with the volume that it was on, which says nothing of the name. */
async function volumeReason(
  { path, otherVolume }: KnownFile,
  { source }: FileSides,
): Promise<string | undefined> {
  const [root] = await source.look([rootPath]);
  let folder = parentOf(path);
  let [above] = await source.look([folder]);
  while (above?.state === "absent" && !isRoot(folder)) {
    folder = parentOf(folder);
    [above] = await source.look([folder]);
  }
  if (root?.state !== "here" || above?.state !== "here") return "the source cannot be asked";
  const isElsewhere = above.entry.dev !== root.entry.dev;
  if (otherVolume === isElsewhere) return undefined;
  return otherVolume
    ? "the volume that it was copied from is not mounted at the source"
    : "another volume is mounted above it at the source now";
}

/** Why what is at the destination is not what we wrote; undefined where it is. */
export async function whyNotOurs(
  { path, record }: Pick<KnownFile, "path" | "record">,
  look: Look,
  { destination, signal }: Pick<FileSides, "destination" | "signal">,
): Promise<string | undefined> {
  if (look.state !== "here") return look.state === "blocked" ? look.reason : undefined;
  const there = look.entry;
  if (there.type !== record.type) return `another type is there (${there.type})`;
  if (there.type === "d") return undefined;
  if (sameState(there, record)) {
    if (there.ctimeNs === record.destinationCtimeNs) return undefined;
    const isSame = there.type === "f" && record.hash !== undefined;
    if (isSame && record.hash?.equals(await destination.hash(path, { signal }))) return undefined;
  }
  return "it was changed since it was written";
}
