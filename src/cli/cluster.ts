import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterSourceConfig, NetworkConfig } from "../config/network.ts";
import { loadNetwork } from "../config/network-load.ts";
import type { NetworkFlags } from "../config/network-overlay.ts";
import { openSource, type Side, type SideTools } from "../controller/deploy/sides.ts";
import { MigrationError } from "../core/errors.ts";
import { withReleasers } from "../core/releasers.ts";
import type { CliContext } from "./context.ts";

const defaultFile = "network.json";

/** The flags that say where a migration between clusters is described. */
export interface ClusterFlags extends NetworkFlags {
  network?: string | undefined;
  "source-dir"?: string | undefined;
  "work-dir"?: string | undefined;
}

/** The network config's file, where a command is to work on clusters; undefined for folders. */
export async function networkFile(flags: ClusterFlags): Promise<string | undefined> {
  if (flags.network !== undefined) return flags.network;
  if (flags["source-dir"] !== undefined || flags["work-dir"] !== undefined) return undefined;
  return (await isThere(defaultFile)) ? defaultFile : undefined;
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

export interface ClusterTools extends SideTools {
  network: NetworkConfig;
  signal: AbortSignal;
}

/** Reads the network config and runs `work` with what it needs, which is closed afterwards. */
export async function withNetwork<T>(
  file: string,
  flags: NetworkFlags,
  context: CliContext,
  work: (tools: ClusterTools) => Promise<T>,
): Promise<T> {
  const { network, warnings } = await loadNetwork(file, flags);
  for (const warning of warnings) context.out.note(`Warning: ${warning}`);
  return await withReleasers(async (release) => {
    const folder = await mkdtemp(join(tmpdir(), "migctl-"));
    release(() => rm(folder, { recursive: true, force: true }));
    const stopped = new AbortController();
    const stop = () => {
      if (stopped.signal.aborted) process.exit(130);
      stopped.abort(interrupted());
    };
    release(context.onStop(stop));
    const tools = { env: context.env, folder, release, network, signal: stopped.signal };
    try {
      return await work(tools);
    } catch (error) {
      throw stopped.signal.aborted && isAbort(error) ? interrupted() : error;
    }
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function interrupted(): MigrationError {
  return new MigrationError("E_INTERRUPTED", "Stopped", {
    hint: "A migration that runs in the cluster goes on; migctl status shows it",
  });
}

/** The source's cluster and namespace, for what needs no more than these. */
export interface Source extends Side<ClusterSourceConfig> {
  namespace: string;
}

export async function sourceOf({ network, ...tools }: ClusterTools): Promise<Source> {
  const side = await openSource(network, tools);
  const namespace = side.config.namespace ?? side.cluster.namespace;
  if (namespace !== undefined) return { ...side, namespace };
  throw new MigrationError("E_USAGE", "It is not said which namespace the source is in", {
    hint: "Give it with -n, in the network config, or in the kubeconfig's context",
  });
}
