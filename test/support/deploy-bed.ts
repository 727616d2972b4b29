import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { loadApplication } from "../../src/config/load-application.ts";
import { rbacObjects } from "../../src/controller/rbac.ts";
import { network, ports } from "../../tools/cluster/settings.ts";
import { clusterCa, tokenFor } from "./cluster-account.ts";
import { type TestCluster, uniqueName } from "./cluster-client.ts";
import { programs, type Ran } from "./migration.ts";
import { type DeployOptions, deployStandIn, type RunningStandIn } from "./stand-in-release.ts";

export const canaryPassword = "canary-p@ss:w/ord $1 &x";

/** Two releases, accounts with exactly the documented rights, and the network config of both. */
export interface ClusterBed {
  cluster: TestCluster;
  source: RunningStandIn;
  destination: RunningStandIn;
  folder: string;
  /** network.json. */
  network: string;
  /** Every secret text: none of them may ever be seen. */
  canaries: string[];
  /** Runs migctl with the network config, as somebody with the source's account does. */
  migctl(...args: string[]): Promise<Ran>;
  remove(): Promise<void>;
}

export interface BedOptions {
  folder: string;
  source?: Partial<DeployOptions>;
  destination?: Partial<DeployOptions>;
  /** Put over the destination's part of the network config. */
  route?: Record<string, unknown>;
}

/** The canaries that a text holds; they are hidden in what a failed test prints no more than here. */
export function canariesIn(text: string, { canaries }: ClusterBed): string[] {
  return canaries.filter((canary) => text.includes(canary));
}

/** The address at which pods reach the API as well. */
const apiServer = `https://${network.address}:${ports.api}`;

/** Needs the image on the node. */
export async function deployBed(cluster: TestCluster, options: BedOptions): Promise<ClusterBed> {
  const { folder } = options;
  // What other tests print or look for at the same time must not be taken for this one's.
  const mark = uniqueName("canary");
  const password = `${canaryPassword} ${mark}`;
  const common = { password };
  const [source, destination] = await Promise.all([
    deployStandIn(cluster, {
      ...{ namespace: uniqueName("e2e-from"), side: "source", ...common, ...options.source },
    }),
    deployStandIn(cluster, {
      ...{
        namespace: uniqueName("e2e-to"),
        side: "destination",
        ...common,
        ...options.destination,
      },
    }),
  ]);
  mkdirSync(folder, { recursive: true });
  const caFile = join(folder, "ca.crt");
  writeFileSync(caFile, clusterCa());
  const tokens = {
    source: await tokenOf(cluster, source),
    destination: await tokenOf(cluster, destination, options.route?.["pod"]),
  };
  for (const [side, token] of Object.entries(tokens)) {
    writeFileSync(join(folder, `${side}-token`), token, { mode: 0o600 });
  }
  const path = join(folder, "network.json");
  const config = {
    source: {
      cluster: { server: apiServer, token: { file: "source-token" }, caFile: "ca.crt" },
      namespace: source.namespace,
    },
    destination: {
      cluster: { server: apiServer, token: { file: "destination-token" }, caFile: "ca.crt" },
      namespace: destination.namespace,
      ...options.route,
    },
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return {
    ...{ cluster, source, destination, folder, network: path },
    canaries: canariesOf(password, mark, Object.values(tokens)),
    migctl: (...args) => migctl(path, args),
    async remove() {
      await Promise.all([source.remove(), destination.remove()]);
    },
  };
}

/** Also as they stand in a URI and in a Secret. */
function canariesOf(password: string, mark: string, tokens: readonly string[]): string[] {
  const texts = [password, ...tokens];
  const encoded = texts.map((text) => Buffer.from(text).toString("base64").replace(/=+$/, ""));
  return [...texts, ...encoded, encodeURIComponent(password), mark];
}

async function tokenOf(cluster: TestCluster, side: RunningStandIn, pod?: unknown) {
  const { namespace, release } = side;
  const { cluster: known } = await loadApplication("mvi");
  if (known === undefined) throw new Error("The description says nothing of clusters");
  const isSource = release.side === "source";
  await cluster.apply(
    ...rbacObjects({
      ...{ side: release.side, namespace, account: "migctl", known, secrets: [release.secret] },
      ownSecrets: [],
      writers: isSource ? [release.taskanaly, release.service] : [],
      restarts: isSource ? [] : [release.service],
      ...(typeof pod === "string" ? { pod } : {}),
      networkPolicy: false,
    }),
  );
  return await tokenFor(cluster, { namespace, name: "migctl" });
}

async function migctl(file: string, args: readonly string[]): Promise<Ran> {
  const child = execa(process.execPath, [programs.migctl, ...args, "--network", file], {
    reject: false,
    env: { KUBECONFIG: "/dev/null", HOME: "/nowhere" },
    stdin: "ignore",
  });
  const { exitCode, stdout, stderr } = await child;
  return { code: exitCode ?? null, stdout, stderr };
}
