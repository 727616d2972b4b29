import { MigrationError } from "../../core/errors.ts";
import { type Answer, type Call, call } from "./call.ts";
import type { Exec } from "./exec.ts";
import { noRoot } from "./scripts.ts";

/** A folder of a pod, and how commands are run in it. */
export interface ShellRoot {
  exec: Exec;
  /** Its path there. */
  root: string;
  /** How messages name it. */
  label: string;
}

/** Runs a script in the root: its first argument. Throws E_FOLDER where that is none. */
export async function callIn({ exec, root, label }: ShellRoot, one: Call): Promise<Answer> {
  const { args = [], answers = [0] } = one;
  const answer = await call(exec, {
    ...one,
    args: [root, ...args],
    answers: [...answers, noRoot],
  });
  if (answer.exitCode !== noRoot) return answer;
  throw new MigrationError("E_FOLDER", `The destination folder "${label}" does not exist`, {
    hint: "Check what the pod mounts, and the data folder in the network config",
  });
}
