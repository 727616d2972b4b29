import { setImmediate } from "node:timers/promises";
import { type FileEntry, isRoot, isWithin, printablePath } from "../files/entry.ts";
import { walkTree } from "../files/walk.ts";
import { type ConnectOptions, openSource } from "../mongo/connect.ts";
import { readActivity, readConnected } from "../mongo/fingerprint.ts";
import type { Fingerprint } from "../plan/fingerprint.ts";
import type { Plan } from "../plan/plan.ts";
import { neverCollections } from "./application-facts.ts";
import { selectFiles } from "./select-files.ts";

/**
 * Looks at the source of a plan: at the server's statistics of the collections that move, and at
 * all names of the data folder but those that never move. No content is read, nothing is written.
 */
export async function takeFingerprint(
  plan: Plan,
  options: ConnectOptions & { signal: AbortSignal },
): Promise<Fingerprint> {
  return {
    version: 1,
    ...(plan.migrationType === "files" ? {} : await databasePart(plan, options)),
    ...(plan.migrationType === "db" ? {} : { files: await filesPart(plan, options.signal) }),
  };
}

async function databasePart(
  plan: Plan,
  options: ConnectOptions,
): Promise<Pick<Fingerprint, "database" | "connected">> {
  if (plan.source.database === undefined) return {};
  const opened = await openSource(plan.source.database, options);
  try {
    const database = await readActivity(opened, ({ name }) => moves(plan, name));
    const connected = await readConnected(opened);
    return { database, ...(connected === undefined ? {} : { connected }) };
  } finally {
    await opened.source.close();
  }
}

/** Counters are of whole collections: those of a user's documents count for everybody's. */
function moves({ application, options, items }: Plan, name: string): boolean {
  if (neverCollections(application, options.includeCollections).includes(name)) return false;
  if (items.some(({ scope }) => scope.kind === "server")) return true;
  return Object.hasOwn(application.collections, name);
}

const mostNewest = 5;

async function filesPart(plan: Plan, signal: AbortSignal) {
  const state = { entries: 0, bytes: 0, ctimes: 0n, unreadable: 0 };
  const newest: FileEntry[] = [];
  let seen = 0;
  for (const entry of walkTree(plan.source.dir, { exclude: leftOut(plan) })) {
    if (++seen % 1000 === 0) {
      signal.throwIfAborted();
      await setImmediate();
    }
    // What is made right below it and does not move changes it too.
    if (isRoot(entry.path)) continue;
    state.entries++;
    state.bytes += entry.type === "f" ? entry.size : 0;
    state.ctimes = BigInt.asUintN(64, state.ctimes + entry.ctimeNs);
    state.unreadable += entry.unreadable === undefined ? 0 : 1;
    keepNewest(newest, entry);
  }
  return { ...state, ctimes: state.ctimes.toString(16), newest: newest.map(shown) };
}

function keepNewest(newest: FileEntry[], entry: FileEntry) {
  const oldest = newest.at(-1);
  if (newest.length === mostNewest && oldest !== undefined && entry.ctimeNs <= oldest.ctimeNs) {
    return;
  }
  newest.push(entry);
  newest.sort((one, other) => Number(other.ctimeNs - one.ctimeNs));
  newest.length = Math.min(newest.length, mostNewest);
}

function shown({ path, ctimeNs }: FileEntry) {
  return { path: printablePath(path).path, ctime: ctimeNs.toString() };
}

/** As a migration of the whole server leaves it out, the tool's own folder included. */
export function leftOut({
  application,
  options,
  source,
  workDir,
}: Plan): (path: Buffer) => boolean {
  const { selection } = selectFiles({
    ...{ application, scope: { kind: "server" }, rows: new Map(), workDir },
    ...{ includePaths: options.includePaths, sourceDir: source.dir },
  });
  const names = selection.kind === "tree" ? selection.exclude : [];
  const folders = [...names.map((name) => Buffer.from(name)), ...(selection.excludePaths ?? [])];
  return (path) => folders.some((folder) => isWithin(path, folder));
}
