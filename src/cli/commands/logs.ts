import { options } from "../../config/options.ts";
import { followLogs } from "../../controller/deploy/logs.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { networkFile, sourceOf, withNetwork } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { findInCluster } from "../find-in-cluster.ts";
import { needsNetwork } from "../needs-network.ts";
import { networkOptions } from "../request-options.ts";

export const logsCommand = defineCommand({
  args: {
    ...networkOptions,
    name: { ...options.name, describe: "The migration's name, where there are several" },
    follow: options.follow,
    tail: options.tail,
    previous: options.previous,
  },
  examples: [
    ["migctl logs -f", "What happens now, until the run ends; kubectl logs shows the same"],
    ["migctl logs --tail 20", "The last lines"],
    ["migctl logs --previous", "Of the container before this one, after a restart"],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file === undefined) throw needsNetwork("logs");
    return await withNetwork(file, flags, context, async (tools) => {
      const source = await sourceOf(tools);
      const { live, name } = await findInCluster(source, flags);
      if (live === undefined) throw noPod(name);
      const { follow = false, previous = false, tail } = flags;
      await followLogs({
        ...{ cluster: source.cluster, namespace: source.namespace, name },
        ...{ clock: context.clock, signal: tools.signal },
        ...{ follow, previous, tail },
        onLine: (line) => context.out.line(line),
        onRetry: ({ message }) => context.out.note(`${message}; trying again`),
      });
      return exitCodes.done;
    });
  },
});

function noPod(name: string): MigrationError {
  return new MigrationError("E_NO_MIGRATION", `The migration "${name}" has no pod any more`, {
    hint: `Its end is known: migctl status --name ${name}, migctl report --name ${name}`,
  });
}
