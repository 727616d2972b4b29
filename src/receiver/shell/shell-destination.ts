import { MigrationError } from "../../core/errors.ts";
import type { FileDestination } from "../../files/destination.ts";
import { isRoot, safeRelativePath } from "../../files/entry.ts";
import { parseFeatures, type RsyncFeatures } from "../../files/rsync-features.ts";
import { call } from "./call.ts";
import { readFacts } from "./facts.ts";
import { makeHashing } from "./hash.ts";
import { shellLocks } from "./locks.ts";
import { place, placeFolders } from "./place.ts";
import { remove } from "./remove.ts";
import * as scripts from "./scripts.ts";
import { callIn, type ShellRoot } from "./shell-root.ts";
import { makeTemporary, removeTemporary, rsyncRoute, unpack } from "./temporary.ts";
import { missingTool } from "./tool-error.ts";
import { look, names, space } from "./tree.ts";

/**
 * A folder of a pod that is reached by commands alone: nothing of ours is in that pod. Each command
 * looks at the way to a path right before it acts there, which leaves a moment that the agent, with
 * its open folders, does not leave.
 */
export function makeShellDestination(at: ShellRoot): FileDestination {
  const { exec, root, label } = at;
  const hashing = makeHashing(exec, root);
  return {
    label,
    check: () => check(at),
    powers: async () => (await readFacts(exec)).powers,
    rsyncFeatures: (signal) => readFeatures(at, signal),
    space: () => space(at),
    names: () => names(at),
    look: (paths) => look(at, paths),
    hash: hashing.hash,
    makeTemporary: (temporary) => makeTemporary(at, temporary),
    removeTemporary: (temporary) => removeTemporary(at, temporary),
    rsync: (temporary) => rsyncRoute(at, temporary),
    unpack: (temporary, options) => unpack(at, temporary, options),
    place: (temporary, files, how) => place(at, temporary, { files, how }),
    placeFolders: (folders) => placeFolders(at, folders),
    locks: shellLocks(at),
    sync: async () => void (await callIn(at, { script: scripts.sync, what: "sync its volume" })),
    remove: (removals) => remove(at, removals),
    clear: (path) => clear(at, path),
    close: hashing.close,
  };
}

/** Also that the tools are there, before anything is begun with them. */
async function check(at: ShellRoot): Promise<{ dir: string }> {
  await readFacts(at.exec);
  const { exitCode, stdout } = await callIn(at, {
    ...{ script: scripts.check, what: "enter its folder", answers: [0, scripts.notWritable] },
  });
  if (exitCode === 0) return { dir: stdout.toString("utf8") };
  throw new MigrationError(
    "E_PERMISSION",
    `The destination folder "${at.label}" cannot be written to`,
    {
      hint: "Name a pod whose user may write to the volume, and that mounts it for writing",
    },
  );
}

async function readFeatures({ exec }: ShellRoot, signal: AbortSignal): Promise<RsyncFeatures> {
  const { rsync } = await readFacts(exec, signal);
  if (rsync === undefined) throw missingTool("rsync");
  const { stdout } = await call(exec, {
    ...{ script: scripts.rsyncVersion, what: "tell what its rsync can do", signal },
  });
  // Where there is no folder to try it in, a file that was cut begins anew.
  const tried = await call(exec, {
    ...{ script: scripts.rsyncResumes, what: "try its rsync", signal, answers: anyEnd },
  });
  return { ...parseFeatures(stdout.toString("latin1")), resumes: tried.exitCode === 0 };
}

const anyEnd = Array.from({ length: 256 }, (_, code) => code);

async function clear(at: ShellRoot, path: string): Promise<boolean> {
  const bytes = Buffer.from(path);
  if (isRoot(bytes) || !safeRelativePath(bytes)) {
    throw new MigrationError("E_REFUSED", `"${path}" is not below the destination's folder`);
  }
  const { stdout } = await callIn(at, {
    ...{ script: scripts.clear, args: [`./${path}`], what: `remove "${path}"` },
  });
  return stdout.toString() === "yes";
}
