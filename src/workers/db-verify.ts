import { throttleReports } from "../core/progress.ts";
import { withReleasers } from "../core/releasers.ts";
import { openArchive } from "../mongo/archive/open.ts";
import { connectDestination } from "../mongo/connect-destination.ts";
import { restoreSourceOf } from "../mongo/restore-archive.ts";
import { stoppable } from "../mongo/restore-stop.ts";
import { type VerificationResult, verifyAll } from "../mongo/verify.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { WorkerContext } from "./context.ts";
import { patiently } from "./patiently.ts";
import { profiled } from "./profiled.ts";

const reportMs = 250;
const depth = "batchesInFlight";

/**
 * Reads an item's documents back from the destination and compares them with the archive. What is
 * not as it was is listed in the folder `out`.
 */
export async function verifyDatabase(
  input: StepInputs["db-verify"],
  context: WorkerContext,
  out = input.verdicts,
): Promise<VerificationResult> {
  const { log, signal, clock, report, profile } = context;
  const reports = throttleReports(report, reportMs, clock.elapsed);
  return withReleasers(async (release) => {
    const archive = await openArchive(input.archive, { allowForeign: input.foreign ?? false });
    release(() => archive.close());
    // Only a look at all of a foreign dump tells how many documents it holds.
    if (archive.manifest === undefined) {
      await stoppable(signal, () => archive.check({ signal, report: reports.push }));
    }
    const destination = await patiently(context, () =>
      connectDestination(input.destination, { signal, log }),
    );
    release(() => destination.close());
    const result = await stoppable(signal, () =>
      verifyAll(profiled(restoreSourceOf(archive), { what: "archive", profile }), {
        destination: profiled(destination, { what: "destinationDatabase", profile, depth }),
        verdicts: input.verdicts,
        out,
        rewrite: input.rewrite,
        clock,
        signal,
        onProgress: reports.push,
      }),
    );
    reports.flush();
    return result;
  });
}
