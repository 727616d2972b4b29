import { loadRate } from "../../config/load.ts";
import { options } from "../../config/options.ts";
import { rateArgument } from "../../config/rate-argument.ts";
import { askPod } from "../../controller/deploy/pod-manager.ts";
import { findMigration } from "../../controller/find-migration.ts";
import { askManager } from "../../controller/manager.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { formatRate } from "../../core/format.ts";
import { migrationFolder } from "../../plan/inputs.ts";
import { LimitAsked } from "../../state/bandwidth-limit.ts";
import { sourceOf, withNetwork } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { findInCluster, type Wanted } from "../find-in-cluster.ts";
import { networkOptions } from "../request-options.ts";
import { whereOf } from "../where.ts";

export const bwlimitCommand = defineCommand({
  args: {
    rate: rateArgument,
    ...networkOptions,
    "source-dir": options["source-dir"],
    "work-dir": options["work-dir"],
    name: { ...options.name, describe: "The migration's name, where there are several" },
  },
  examples: [
    ["migctl bwlimit 20M", "Of the migration in the cluster of network.json, within a second"],
    ["migctl bwlimit 0 --source-dir /a/data", "As much as there is"],
  ],
  async run({ rate, ...flags }, context: CliContext) {
    const { out, format } = context;
    loadRate("RATE", rate);
    const { place, file } = await whereOf(flags);
    const asking = { rate, context };
    const asked =
      place === undefined
        ? await withNetwork(file, flags, context, async (tools) =>
            askInPod(flags, { ...asking, source: await sourceOf(tools) }),
          )
        : await askHere(place, flags, asking);
    if (format !== "table") out.data(asked, format);
    else out.line(`Limit: ${formatRate(asked.kibPerSecond || undefined)}; see migctl status`);
    return exitCodes.done;
  },
});

interface Asking {
  rate: string;
  context: CliContext;
}

async function askHere(place: string, { name }: Wanted, { rate, context }: Asking) {
  const { folder } = await findMigration(place, name);
  const args = ["bwlimit", rate, "--folder", folder];
  return await askManager(context.manager, { args, schema: LimitAsked });
}

async function askInPod(
  wanted: Wanted,
  { rate, source }: Asking & { source: Awaited<ReturnType<typeof sourceOf>> },
) {
  const { cluster, namespace } = source;
  const { name, live, plan } = await findInCluster(source, wanted);
  if (live?.pod === undefined || plan === undefined) throw notRunning(name);
  const args = ["bwlimit", rate, "--folder", migrationFolder(plan)];
  const container = { namespace, pod: live.pod.metadata.name };
  return await askPod({ cluster, container }, { args, schema: LimitAsked });
}

function notRunning(name: string): MigrationError {
  return new MigrationError("E_NO_MIGRATION", `The migration "${name}" has no pod that runs`, {
    hint: "Give --bwlimit when it is started again",
  });
}
