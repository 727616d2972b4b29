import { renderCredentials } from "../../controller/render/secret.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { networkFile } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { needsNetwork } from "../needs-network.ts";
import { withPlanned } from "../planned.ts";
import { clusterOptions, moveOptions } from "../request-options.ts";

export const secretCreateCommand = defineCommand({
  args: { ...moveOptions, ...clusterOptions },
  examples: [
    ["migctl secret create --migrationType full", "Give the flags that the YAML was rendered with"],
    ["migctl secret create …", "Again, when a token has expired: a migration that waits goes on"],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file === undefined) throw needsNetwork("secret create");
    return await withPlanned(file, flags, context, async ({ sides, planned }) => {
      const { render } = planned;
      const secret = renderCredentials(render);
      if (secret === undefined)
        throw new MigrationError("E_UNEXPECTED", "There are no credentials");
      await sides.source.cluster.apply(secret);
      const { name, namespace } = secret.metadata;
      if (context.format === "table")
        context.out.line(`Secret ${name} made in namespace ${namespace}`);
      else context.out.data({ name, namespace }, context.format);
      return exitCodes.done;
    });
  },
});
