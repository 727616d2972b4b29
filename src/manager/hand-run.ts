import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { throttleReports } from "../core/progress.ts";
import { withReleasers } from "../core/releasers.ts";
import { openLedger } from "../state/ledger.ts";
import { unguarded, type WorkerContext } from "../workers/context.ts";
import type { ManagerContext } from "./context.ts";

const reportMilliseconds = 3000;

/**
 * Gives a worker that is run by hand what the step loop gives it otherwise: progress goes to the
 * log, and the ledger is the one in `ledger`, or one that is thrown away afterwards.
 */
export async function runByHand<T>(
  context: ManagerContext,
  ledger: string | undefined,
  work: (ctx: WorkerContext, scratch: string) => Promise<T>,
): Promise<T> {
  const { log, clock, stop } = context;
  return withReleasers(async (release) => {
    const scratch = await mkdtemp(join(tmpdir(), "migmgr-"));
    release(() => rm(scratch, { recursive: true, force: true }));
    const folder = ledger === undefined ? join(scratch, "ledger") : resolve(ledger);
    const opened = await openLedger(folder, { clock, signal: stop.signal });
    release(() => opened.close());
    const reports = throttleReports(
      (progress) => log.info({ progress }, "Progress"),
      reportMilliseconds,
      clock.elapsed,
    );
    // Another name each time: what an earlier run left in a report folder is not gone on with, as
    // the destination may have changed since.
    const run = `by-hand-${randomBytes(6).toString("hex")}`;
    const result = await work(
      {
        ...{ log, clock, signal: stop.signal, report: reports.push, run, ledger: opened },
        guard: unguarded,
      },
      scratch,
    );
    reports.flush();
    return result;
  });
}
