import { rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../core/atomic-file.ts";
import { openFolderChain } from "../files/folder-chain.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { WorkerContext } from "./context.ts";

export interface AfterOutput {
  /** What was done, and what is left for people to do. */
  done: string[];
  todo: string[];
}

/** Does at the destination what the application needs after its documents have changed. */
export async function clearAfter(
  { application, destinationDir, mode, documents }: StepInputs["after"],
  ctx: WorkerContext,
): Promise<AfterOutput> {
  const output: AfterOutput = { done: [], todo: [] };
  if (!documents) return output;
  for (const { clear, restart, because } of application.after) {
    const isCleared =
      clear !== undefined && mode === "run" && (await clearPath(destinationDir, clear));
    if (isCleared) output.done.push(`cleared "${clear}"`);
    const tasks = [
      ...(clear !== undefined && mode === "list" ? [`clear "${clear}"`] : []),
      ...(restart !== undefined ? [`restart ${restart}`] : []),
    ];
    if (tasks.length > 0) output.todo.push(`${tasks.join(" and ")}: ${because}`);
  }
  if (output.todo.length > 0) ctx.log.info({ todo: output.todo }, "Left to do at the destination");
  return output;
}

/** Removes one path below the root, never by way of a symbolic link; false when it is not there. */
async function clearPath(root: string, path: string): Promise<boolean> {
  const chain = openFolderChain(root);
  try {
    if (chain.look(Buffer.from(path)).state !== "here") return false;
  } finally {
    chain.close();
  }
  await rm(join(root, path), { recursive: true, force: true });
  await syncFolder(root);
  return true;
}
