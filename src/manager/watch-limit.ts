import { setTimeout as sleep } from "node:timers/promises";
import type { Bandwidth } from "../core/bandwidth.ts";
import type { Logger } from "../core/log.ts";
import type { Plan } from "../plan/plan.ts";
import { readLimit } from "../state/bandwidth-limit.ts";
import type { Store } from "../state/store.ts";

export interface LimitPorts {
  folder: string;
  bandwidth: Bandwidth;
  store: Pick<Store, "status" | "limits">;
  log: Logger;
}

const lookMilliseconds = 1000;

/**
 * Has a limit that somebody asks for hold within a moment, and the status show it. Looks again and
 * again, as not every volume tells of changes. Returns what ends it.
 */
export async function watchLimit(
  plan: Pick<Plan, "options">,
  { folder, bandwidth, store, log }: LimitPorts,
): Promise<() => Promise<void>> {
  const over = new AbortController();
  let told: string | undefined;
  async function look() {
    try {
      const limit = await readLimit(folder, plan);
      const bytes = limit === undefined ? undefined : limit * 1024;
      if (bytes !== bandwidth.limit) log.info({ kibPerSecond: limit ?? 0 }, "The limit changes");
      bandwidth.set(bytes);
      if (store.status?.bandwidthLimit !== limit) store.limits(limit);
    } catch (err) {
      const text = String(err);
      if (text !== told) log.warn({ err }, "The limit stays, as the one that is wanted is unknown");
      told = text;
    }
  }
  async function watch() {
    while (!over.signal.aborted) {
      await sleep(lookMilliseconds, undefined, { signal: over.signal }).catch(() => undefined);
      if (!over.signal.aborted) await look();
    }
  }
  await look();
  const watching = watch();
  return async () => {
    over.abort();
    await watching;
  };
}
