import { loadClusterRequest } from "../../config/load.ts";
import { loadApplication } from "../../config/load-application.ts";
import { options } from "../../config/options.ts";
import { examine } from "../../controller/doctor/doctor.ts";
import { exitCodeOf } from "../../controller/doctor/finding.ts";
import { defineCommand } from "../../core/command.ts";
import { networkFile, withNetwork } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { printFindings } from "../doctor-view.ts";
import { needsNetwork } from "../needs-network.ts";
import { clusterOptions, moveOptions } from "../request-options.ts";

export const doctorCommand = defineCommand({
  args: {
    ...moveOptions,
    ...clusterOptions,
    quiesce: options.quiesce,
    "start-timeout": options["start-timeout"],
    "skip-pod": options["skip-pod"],
  },
  examples: [
    ["migctl doctor", "For a migration of the whole server, as network.json says"],
    ["migctl doctor --migrationType full --quiesce --after run", "With the rights of the cut-over"],
    ["migctl doctor --skip-pod", "What the two APIs tell, without making a pod"],
    ["migctl doctor -o json | jq '.checks[] | select(.severity == \"error\")'", "For programs"],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file === undefined) throw needsNetwork("doctor");
    const request = loadClusterRequest(flags);
    const application = await loadApplication(request.application);
    const { out, clock, format } = context;
    return await withNetwork(file, flags, context, async (tools) => {
      const findings = await examine({
        ...{ ...tools, request, application, clock },
        withPod: flags["skip-pod"] !== true,
        note: (text) => out.note(text),
      });
      const exitCode = exitCodeOf(findings);
      if (format === "table") printFindings(findings, out);
      else out.data({ version: 1, exitCode, checks: findings }, format);
      return exitCode;
    });
  },
});
