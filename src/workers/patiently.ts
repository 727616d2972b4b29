import { isUnavailable } from "../core/errors.ts";
import { retry } from "../core/retry.ts";
import type { WorkerContext } from "./context.ts";

const defaultBudget = 60_000;

/** Opens a database for a step, whose server may be just restarting: as patiently as the step is. */
export function patiently<T>(
  { clock, signal, log, retryBudget: budget = defaultBudget }: WorkerContext,
  open: () => Promise<T>,
): Promise<T> {
  const onRetry = (err: unknown) => log.warn({ err }, "The server is away, trying again");
  return retry({ clock, signal, budget, mayPass: isUnavailable, onRetry }, open);
}
