import type { StepInputs } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { steadyDestination } from "./files-retry.ts";

export interface AfterOutput {
  /** What was done, and what is left for people to do. */
  done: string[];
  todo: string[];
}

/** Does at the destination what the application needs after its documents have changed. */
export async function clearAfter(
  { application, mode, documents }: StepInputs["after"],
  ctx: FilesContext,
): Promise<AfterOutput> {
  const output: AfterOutput = { done: [], todo: [] };
  if (!documents) return output;
  const destination = steadyDestination(ctx);
  for (const { clear, restart, because } of application.after) {
    const isCleared = clear !== undefined && mode === "run" && (await destination.clear(clear));
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
