import { options } from "../../config/options.ts";
import { renderMigration } from "../../controller/render/migration.ts";
import { toYaml } from "../../controller/render/yaml.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { networkFile } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { needsNetwork } from "../needs-network.ts";
import { withPlanned } from "../planned.ts";
import { clusterOptions, moveOptions } from "../request-options.ts";

export const renderCommand = defineCommand({
  args: {
    ...moveOptions,
    ...clusterOptions,
    rerun: options.rerun,
    "with-secrets": options["with-secrets"],
  },
  examples: [
    ["migctl render | kubectl apply -f -", "As migctl start does it"],
    ["migctl --migrationType files --output-yaml", "The same, for the files alone"],
    [
      "migctl render --with-secrets > migration.yaml",
      "With the Secret: keep the file as you keep it",
    ],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file === undefined) throw needsNetwork("render");
    return await withPlanned(file, flags, context, async ({ planned }) => {
      const { render, warnings } = planned;
      for (const warning of warnings) context.out.note(`Warning: ${warning}`);
      const objects = renderMigration(render);
      const withSecrets = flags["with-secrets"] === true;
      if (context.format === "json") {
        const shown = objects.filter(({ kind }) => withSecrets || kind !== "Secret");
        // As it is: what is printed as data has its secrets taken out.
        const list = { apiVersion: "v1", kind: "List", items: shown };
        context.out.document(`${JSON.stringify(list, undefined, 2)}\n`);
      } else
        context.out.document(toYaml(objects, { header: headerOf(render.plan.name), withSecrets }));
      return exitCodes.done;
    });
  },
});

function headerOf(name: string): string[] {
  return [
    `The migration "${name}". Apply it with: kubectl apply -f -`,
    `Follow it with: migctl status --name ${name}`,
  ];
}
