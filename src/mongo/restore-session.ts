import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../core/errors.ts";
import { type Findings, openFindings } from "./restore-findings.ts";
import { dataCollection, type RestoreSource, type SourceCollection } from "./restore-source.ts";
import { type RestoreState, readRestoreState, writeRestoreState } from "./restore-state.ts";
import { verdictFileName } from "./verdict-file.ts";

/** One run's restore into one folder, over all of its attempts. */
export interface RestoreSession {
  /** An earlier attempt may have written something. */
  readonly resumed: boolean;
  isCreated(name: string): boolean;
  recordCreation(name: string): Promise<void>;
  refusedIndexes(): RestoreState["refusedIndexes"];
  recordRefusal(refusal: RestoreState["refusedIndexes"][number]): Promise<void>;
  /** The archive is whole now: what was noted of it counts for the one that it became. */
  recordArchive(fingerprint: string): Promise<void>;
  openFindings(): Promise<Findings>;
}

/**
 * Goes on with what the folder holds if it is of this run. Verdicts are by position, so they count
 * only for the same archive.
 */
export async function openSession(
  source: RestoreSource,
  { out, run }: { out: string; run: string },
): Promise<RestoreSession> {
  const found = await readRestoreState(out);
  const sameRun = found?.run === run;
  const state: RestoreState = {
    version: 1,
    run,
    archive: source.fingerprint,
    created: sameRun ? found.created : [],
    createdBefore: createdBefore(found, sameRun),
    refusedIndexes: sameRun ? found.refusedIndexes : [],
  };
  if (!sameRun || found.archive !== source.fingerprint) await clear(out, found?.run);
  await writeRestoreState(out, state);
  return {
    resumed: sameRun,
    isCreated: (name) => state.created.includes(name),
    async recordCreation(name) {
      if (!state.created.includes(name)) state.created.push(name);
      await writeRestoreState(out, state);
    },
    refusedIndexes: () => state.refusedIndexes,
    async recordRefusal(refusal) {
      state.refusedIndexes.push(refusal);
      await writeRestoreState(out, state);
    },
    async recordArchive(fingerprint) {
      if (state.archive === fingerprint) return;
      state.archive = fingerprint;
      await writeRestoreState(out, state);
    },
    openFindings: () => openFindings(out, makeIsDecided(source, out)),
  };
}

function createdBefore(found: RestoreState | undefined, sameRun: boolean): string[] {
  if (found === undefined) return [];
  return [...new Set([...found.createdBefore, ...(sameRun ? [] : found.created)])];
}

/**
 * Removes what an earlier run left in the folder, and nothing else. Documents that it overwrote are
 * to be had nowhere else: those and the list that names them are set aside.
 */
async function clear(out: string, run: string | undefined): Promise<void> {
  const names = await readdir(out);
  if (names.includes("before")) {
    const ending = `${setAsideName(run ?? "unknown")}-${names.length}`;
    await rename(join(out, "before"), join(out, `before-${ending}`));
    await rename(join(out, "conflicts.ndjson"), join(out, `conflicts-${ending}.ndjson`));
  }
  for (const name of await readdir(out)) {
    if (ours.some((pattern) => pattern.test(name))) {
      await rm(join(out, name), { recursive: true });
    }
  }
}

/** How a run is named in the names of what it left. */
export function setAsideName(run: string): string {
  return encodeURIComponent(run).slice(0, 100);
}

const ours = [
  /^\d+-.*\.verdicts$/,
  /^(conflicts|rejected|mismatches)\.ndjson(\.tmp)?$/,
  /^rejected$/,
  /^before$/,
];

/** Keeps the verdicts of the collection that was asked for last: the lists go by collection. */
function makeIsDecided(source: RestoreSource, out: string) {
  const files = new Map<string, string>();
  let last: { collection: string; bytes: Buffer } | undefined;
  function fileOf(name: string) {
    for (let number = files.size; number < source.collections.length; number++) {
      const collection = source.collections[number] as SourceCollection;
      files.set(dataCollection(collection), verdictFileName(number, collection.spec.name));
    }
    return files.get(name);
  }
  return async function isDecided(collection: string, ordinal: number): Promise<boolean> {
    if (last?.collection !== collection) {
      const file = fileOf(collection);
      last = { collection, bytes: file === undefined ? Buffer.alloc(0) : await read(out, file) };
    }
    return (last.bytes[ordinal] ?? 0) !== 0;
  };
}

async function read(out: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(out, file));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
