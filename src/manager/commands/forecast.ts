import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { withReleasers } from "../../core/releasers.ts";
import { ledgerFolder } from "../../plan/inputs.ts";
import { Plan } from "../../plan/plan.ts";
import { openLedger } from "../../state/ledger.ts";
import { unguarded } from "../../workers/context.ts";
import { forecastPlan } from "../../workers/forecast.ts";
import type { ManagerContext } from "../context.ts";
import { copyLedger } from "../copy-ledger.ts";
import { withDestination } from "../reach-destination.ts";
import { readDocument } from "../read-document.ts";

export const forecastCommand = defineCommand({
  args: { plan: options.plan },
  examples: [["migmgr forecast --plan plan.json -o json", "What migctl plan shows"]],
  async run({ plan: path }, context: ManagerContext) {
    const plan = await readDocument(path, Plan, context);
    const { clock, log, env, stop, out, format } = context;
    const forecast = await withReleasers(async (release) => {
      const scratch = await mkdtemp(join(tmpdir(), "migmgr-forecast-"));
      release(() => rm(scratch, { recursive: true, force: true }));
      await copyLedger(ledgerFolder(plan), scratch);
      const ledger = await openLedger(scratch, { clock, signal: stop.signal });
      release(() => ledger.close());
      const ports = { clock, log, env, signal: stop.signal };
      return await withDestination(plan, ports, ({ plan: reachable, destination }) =>
        forecastPlan(reachable, scratch, {
          ...{ log, clock, signal: stop.signal, run: "forecast", ledger, destination },
          guard: unguarded,
          report: (progress) => log.debug({ progress }, "Progress"),
        }),
      );
    });
    out.data(forecast, format === "yaml" ? "yaml" : "json");
    return exitCodes.done;
  },
});
