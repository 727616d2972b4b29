import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadApplication } from "../../config/load-application.ts";
import { options } from "../../config/options.ts";
import { clusterAccessOf } from "../../controller/discover/cluster-access.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { withReleasers } from "../../core/releasers.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { openCluster } from "../../kube/connect.ts";
import { readKubeconfig } from "../../kube/kubeconfig-file.ts";
import type { CliContext } from "../context.ts";
import { initNetwork } from "../init.ts";
import { type Ask, askAt } from "../init-ask.ts";
import { draftOf } from "../init-draft.ts";
import type { Context } from "../init-place.ts";
import { makeTypedSecrets } from "../init-secrets.ts";
import type { InitPorts } from "../init-side.ts";

const defaultFile = "network.json";

export const initCommand = defineCommand({
  args: {
    "source-context": options["source-context"],
    "source-namespace": options["source-namespace"],
    "dest-context": options["dest-context"],
    "dest-server": options["dest-server"],
    "dest-token-file": options["dest-token-file"],
    "dest-ca-file": options["dest-ca-file"],
    "dest-namespace": options["dest-namespace"],
    kubeconfig: {
      ...options.kubeconfig,
      describe: "The kubeconfig of the contexts; without it $KUBECONFIG, then ~/.kube/config",
    },
    set: options.set,
    application: options.application,
    out: options.out,
    force: options.force,
    "no-input": options["no-input"],
  },
  examples: [
    ["migctl init", "Asks for all that it cannot find by itself"],
    [
      "migctl init --source-context standalone --source-namespace default --dest-context ocp --dest-namespace mas-masmvi-visualinspection --no-input",
      "Two contexts of the kubeconfig",
    ],
    [
      "migctl init --dest-server https://api.example.com:6443 --dest-token-file token --dest-ca-file ca.crt --dest-namespace vision",
      "The destination by its URL, with the token of a ServiceAccount",
    ],
    [
      "migctl init … --set source.database.password.file=mongo-password",
      "What cannot be discovered, by its file",
    ],
  ],
  async run(flags, context: CliContext) {
    const { out, format } = context;
    const file = flags.out ?? defaultFile;
    const application = await loadApplication(flags.application ?? "mvi");
    const draft = draftOf(file, flags);
    const result = await withPorts(context, async (tools) => {
      const ask = flags["no-input"] === true ? undefined : terminalOf(context, tools.signal);
      const contexts = ask === undefined ? [] : await contextsOf(flags.kubeconfig, context);
      const ports: InitPorts = { ...tools, ask, contexts, application };
      return await initNetwork(draft, { force: flags.force === true }, ports);
    });
    const next = flags.out === undefined ? "migctl doctor" : `migctl doctor --network ${file}`;
    if (format !== "table") out.data({ ...result, next }, format);
    else {
      out.line(`Wrote ${result.file}`);
      for (const other of result.others) out.line(`Wrote ${other}`);
      out.line(`Next: ${next}`);
    }
    return exitCodes.done;
  },
});

type Tools = Omit<InitPorts, "ask" | "contexts" | "application">;

async function withPorts<T>(context: CliContext, work: (tools: Tools) => Promise<T>): Promise<T> {
  return await withReleasers(async (release) => {
    const folder = await mkdtemp(join(tmpdir(), "migctl-"));
    release(() => rm(folder, { recursive: true, force: true }));
    const stopped = new AbortController();
    const stop = () => {
      if (stopped.signal.aborted) process.exit(exitCodes.interrupted);
      stopped.abort(interrupted());
    };
    release(context.onStop(stop));
    const secrets = makeTypedSecrets(folder);
    const { env } = context;
    return await work({
      ...{ secrets, signal: stopped.signal, say: (text) => context.out.note(text) },
      async open(side, cluster): Promise<Cluster> {
        const access = await clusterAccessOf(side, secrets.staged(cluster), { env, folder });
        const opened = await openCluster(access, { environment: env });
        release(() => opened.close());
        return opened;
      },
    });
  });
}

function interrupted(): MigrationError {
  return new MigrationError("E_INTERRUPTED", "Stopped", { hint: "Nothing was written" });
}

/** Undefined where nobody sits before it. */
function terminalOf({ out }: CliContext, signal: AbortSignal): Ask | undefined {
  if (!process.stdin.isTTY || !out.isTerminal) return undefined;
  return askAt({ input: process.stdin, output: process.stderr, signal });
}

async function contextsOf(file: string | undefined, { env }: CliContext): Promise<Context[]> {
  const config = await readKubeconfig(file, env);
  const servers = new Map(config.clusters?.map(({ name, cluster }) => [name, cluster.server]));
  return (config.contexts ?? []).map(({ name, context }) => ({
    name,
    server: servers.get(context.cluster) ?? "",
    isCurrent: name === config["current-context"],
  }));
}
