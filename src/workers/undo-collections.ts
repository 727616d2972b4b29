import { readdir } from "node:fs/promises";
import { codeOf, hasCode } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { openArchive } from "../mongo/archive/open.ts";
import type { CollectionSpec, DestinationDatabase } from "../mongo/database.ts";
import { differencesOf } from "../mongo/prepare-collection-differences.ts";
import { restoreSourceOf } from "../mongo/restore-archive.ts";
import type { SourceCollection } from "../mongo/restore-source.ts";
import { readRestoreState } from "../mongo/restore-state.ts";
import type { WorkerContext } from "./context.ts";
import type { Undoing } from "./undo-rules.ts";

/** The folders that restores of a migration wrote into. */
export async function restoreFoldersOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(`${folder}/db`, { withFileTypes: true });
    return entries.filter((one) => one.isDirectory()).map(({ name }) => `${folder}/db/${name}`);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** What a migration made, as its archive has it; undefined where the archive is gone. */
type Made = Map<string, SourceCollection | undefined>;

/** Removes the collections and views that a migration made, and that are empty and as they were. */
export async function undoCollections(
  undoing: Undoing,
  destination: DestinationDatabase,
  ctx: WorkerContext,
): Promise<void> {
  const made = await madeBy(undoing);
  const there = (await destination.collections()).filter(({ name }) => made.has(name));
  // Views go before what they look at.
  const inOrder = there.toSorted((a, b) => Number(b.type === "view") - Number(a.type === "view"));
  for (const spec of inOrder) {
    const reason = await whyItStays(spec, made.get(spec.name), { destination, undoing });
    if (reason === undefined && undoing.act) {
      await ctx.guard();
      failpoint("remove.beforeCollection");
      await destination.drop(spec.name);
      failpoint("remove.afterCollection");
    }
    const end = reason === undefined ? { action: "removed" as const } : kept(reason);
    undoing.tally.add({ part: "collections", name: spec.name, ...end });
  }
}

function kept(reason: string) {
  return { action: "kept" as const, reason };
}

async function madeBy({ restoreFolders }: Undoing): Promise<Made> {
  const made: Made = new Map();
  for (const folder of restoreFolders) {
    const state = await readRestoreState(folder);
    const archived = await archivedBeside(folder);
    for (const name of [...(state?.createdBefore ?? []), ...(state?.created ?? [])]) {
      made.set(name, archived.find(({ spec }) => spec.name === name) ?? made.get(name));
    }
  }
  return made;
}

async function archivedBeside(folder: string): Promise<readonly SourceCollection[]> {
  try {
    const archive = await openArchive(`${folder}.zip`);
    const { collections } = restoreSourceOf(archive);
    await archive.close();
    return collections;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || hasCode(error, "E_INTEGRITY")) return [];
    throw error;
  }
}

async function whyItStays(
  spec: CollectionSpec,
  archived: SourceCollection | undefined,
  { destination, undoing }: { destination: DestinationDatabase; undoing: Undoing },
): Promise<string | undefined> {
  if (archived === undefined) return "the archive that tells how it was made is gone";
  const indexes = spec.type === "view" ? [] : await destination.indexes(spec.name);
  const differences = differencesOf(archived, { spec, indexes });
  const changed = differences.find(({ note }) => note === "extra" || note === "differs");
  if (changed !== undefined) return `its ${changed.what} "${changed.name}" was changed since`;
  const left = spec.type === "view" ? 0 : await countLeft(spec.name, destination, undoing);
  return left === 0 ? undefined : `it still holds ${left} documents`;
}

/** A look counts what would still be there. */
async function countLeft(
  collection: string,
  destination: DestinationDatabase,
  { act, tally }: Undoing,
): Promise<number> {
  const present = await destination.count({ collection, filters: [] });
  return act ? present : present - (tally.removedFrom.get(collection) ?? 0);
}
