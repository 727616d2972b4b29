import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { MigrationError } from "../core/errors.ts";
import { type FileEntry, printablePath } from "../files/entry.ts";
import { walkTree } from "../files/walk.ts";
import type { Plan } from "../plan/plan.ts";
import type { ProbedFiles } from "../plan/probe.ts";
import { leftOut } from "./fingerprint.ts";

export interface FilesProbe {
  signal: AbortSignal;
  /** Milliseconds, by any clock that never goes back. */
  elapsed(): number;
  /** How long it may look; then it tells what it has seen so far. */
  longestMs?: number;
}

const shown = 5;

/** Looks at every name that a migration of the whole server moves, and whether it can be read. */
export async function probeFiles(
  plan: Plan,
  { signal, elapsed, longestMs = 60_000 }: FilesProbe,
): Promise<ProbedFiles> {
  const end = elapsed() + longestMs;
  const owners = new Map<string, number>();
  const found = {
    ...{ entries: 0, bytes: 0, isComplete: true, setId: 0, special: 0 },
    unreadable: { count: 0, examples: [] as ProbedFiles["unreadable"]["examples"] },
  };
  for (const entry of walkTree(plan.source.dir, { exclude: leftOut(plan) })) {
    count(entry, found);
    const owner = `${entry.uid}:${entry.gid}`;
    owners.set(owner, (owners.get(owner) ?? 0) + 1);
    if (found.entries % 1000 !== 0) continue;
    signal.throwIfAborted();
    if (elapsed() > end) {
      found.isComplete = false;
      break;
    }
    await setImmediate();
  }
  return { ...found, owners: owners.size, mostOwned: mostOwned(owners) };
}

function count(entry: FileEntry, found: Omit<ProbedFiles, "owners" | "mostOwned">) {
  found.entries += 1;
  if (entry.type === "f") found.bytes += entry.size;
  if (entry.type === "f" && (entry.mode & 0o6000) !== 0) found.setId += 1;
  if ("pscb".includes(entry.type)) found.special += 1;
  if (entry.unreadable === undefined) return;
  const { unreadable } = found;
  unreadable.count += 1;
  if (unreadable.examples.length === shown) return;
  unreadable.examples.push({ path: printablePath(entry.path).path, reason: entry.unreadable });
}

function mostOwned(owners: ReadonlyMap<string, number>): ProbedFiles["mostOwned"] {
  return [...owners]
    .sort(([, one], [, other]) => other - one)
    .slice(0, shown)
    .map(([owner, entries]) => {
      const [uid = 0, gid = 0] = owner.split(":").map(Number);
      return { uid, gid, entries };
    });
}

/** Whether the folder of migrations can be made, or written to; the nearest that is there tells. */
export async function probeWorkDir(workDir: string): Promise<{ dir: string }> {
  for (let dir = workDir; ; dir = dirname(dir)) {
    const found = await stat(dir).catch(() => undefined);
    if (found === undefined && dir !== dirname(dir)) continue;
    await access(dir, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
      throw new MigrationError("E_PERMISSION", `The folder "${dir}" cannot be written to`, {
        cause,
        hint: "The migration keeps its state there: let the pod's user or group write to it",
      });
    });
    return { dir };
  }
}
