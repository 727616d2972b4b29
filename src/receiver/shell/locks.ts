import { isLockName, type LockPlace } from "../../core/lock-place.ts";
import { checkLockName, lockFolderName } from "../../files/lock-folder.ts";
import * as scripts from "./scripts.ts";
import { callIn, type ShellRoot } from "./shell-root.ts";
import { notUsable } from "./tool-error.ts";

/** The same folder as that of an agent, or of a local destination. */
export function shellLocks(at: ShellRoot): LockPlace {
  const what = "keep a lock in its folder";
  const answers = [0, scripts.noLock];
  return {
    async names() {
      const { stdout } = await callIn(at, { script: scripts.locks.names, what });
      return stdout.toString().split("\0").filter(isLockName);
    },
    async read(name) {
      const args = [checkLockName(name)];
      const one = { script: scripts.locks.read, args, what, answers };
      const { exitCode, stdout } = await callIn(at, one);
      return exitCode === 0 ? stdout.toString() : undefined;
    },
    create: async (name, text) => create(at, [checkLockName(name), text]),
    async write(name, text) {
      const args = [checkLockName(name), text];
      const { exitCode } = await callIn(at, { script: scripts.locks.write, args, what, answers });
      return exitCode === 0;
    },
    async remove(name) {
      await callIn(at, { script: scripts.locks.remove, args: [checkLockName(name)], what });
    },
  };
}

async function create(at: ShellRoot, args: string[]) {
  const { exitCode } = await callIn(at, {
    ...{ script: scripts.locks.create, args, what: "make a lock in its folder" },
    answers: [0, scripts.inTheWay],
  });
  if (exitCode !== 0) throw notUsable(`${at.root}/${lockFolderName}`, "is not a folder");
}
