import { loadApplication } from "../../config/load-application.ts";
import { isClusterSide } from "../../config/network.ts";
import { databaseSecrets } from "../../config/network-paths.ts";
import { options } from "../../config/options.ts";
import { openSides } from "../../controller/deploy/sides.ts";
import { discover } from "../../controller/discover/discover.ts";
import { explainRbac, type RbacInput, rbacObjects } from "../../controller/rbac.ts";
import { toYaml } from "../../controller/render/yaml.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { networkFile, withNetwork } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { needsNetwork } from "../needs-network.ts";
import { networkOptions } from "../request-options.ts";

export const rbacCommand = defineCommand({
  args: {
    ...networkOptions,
    application: options.application,
    side: options.side,
    account: {
      type: "string",
      describe: "The ServiceAccount's name, which Role and RoleBinding get too",
      value: "NAME",
      default: "migctl",
    },
    quiesce: options.quiesce,
    after: options.after,
  },
  examples: [
    ["migctl rbac --side source --quiesce | kubectl apply -f -", "For who runs migctl"],
    ["migctl rbac --side destination --after run | kubectl apply -f -", "For the manager's token"],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file === undefined) throw needsNetwork("rbac");
    const application = await loadApplication(flags.application ?? "mvi");
    const { cluster: known } = application;
    if (known === undefined) throw undescribed(application.application);
    return await withNetwork(file, flags, context, async (tools) => {
      const sides = await openSides(tools.network, tools);
      const { config, cluster } = sides[flags.side];
      if (!isClusterSide(config)) throw needsNetwork("rbac");
      const { signal } = tools;
      const { side } = flags;
      const found = await discover({
        side,
        config,
        cluster,
        application,
        needsDatabase: false,
        signal,
      });
      const input: RbacInput = {
        ...{ side, namespace: found.namespace.value, known, ownSecrets: [], networkPolicy: false },
        account: flags.account ?? "migctl",
        secrets: [...(found.secret ? [found.secret.value] : []), ...databaseSecrets(config)],
        writers: namesOf(found.writers, flags.quiesce === true),
        ...("pod" in config ? { pod: config.pod } : {}),
        restarts: namesOf(found.restarts, flags.after === "run"),
      };
      for (const text of explainRbac(input)) context.out.note(text);
      const objects = rbacObjects(input);
      if (context.format === "json") {
        context.out.data({ apiVersion: "v1", kind: "List", items: objects }, "json");
      } else context.out.document(toYaml(objects));
      return exitCodes.done;
    });
  },
});

function namesOf(workloads: readonly { name: string }[], isAsked: boolean): string[] {
  return isAsked ? workloads.map(({ name }) => name) : [];
}

function undescribed(name: string): MigrationError {
  return new MigrationError(
    "E_APPLICATION",
    `The description of "${name}" does not say how it is found in a cluster`,
    { hint: "Describe it under the key cluster, as applications/mvi.yaml does" },
  );
}
