import { dirname, relative, resolve } from "node:path";
import { type ClusterSideConfig, isClusterSide, type NetworkConfig } from "../config/network.ts";
import { parseNetwork } from "../config/network-load.ts";
import { applyOverlay, type Overlay, overlayOf } from "../config/network-overlay.ts";
import { resolvePaths } from "../config/network-paths.ts";
import type { SideName } from "../controller/discover/discovered.ts";
import { MigrationError } from "../core/errors.ts";

/** The flags of migctl init that say where the two sides are. */
export interface InitFlags {
  kubeconfig?: string | undefined;
  "source-context"?: string | undefined;
  "source-namespace"?: string | undefined;
  "dest-context"?: string | undefined;
  "dest-server"?: string | undefined;
  "dest-token-file"?: string | undefined;
  "dest-ca-file"?: string | undefined;
  "dest-namespace"?: string | undefined;
  set?: readonly string[] | undefined;
}

/** A network config that is not complete yet. */
export interface Draft {
  /** Its file: paths in it are seen from there. */
  readonly file: string;
  readonly value: unknown;
  /** What --set says, which is in the value: a problem of it names the flag. */
  readonly overlay: Overlay;
}

type Leaf = string | boolean | string[];

/** What the flags say; a path that they give is written as the file sees it. */
export function draftOf(file: string, flags: InitFlags): Draft {
  const byFile = flags["dest-server"] !== undefined;
  if (byFile && flags["dest-context"] !== undefined) {
    throw new MigrationError("E_USAGE", "--dest-server and --dest-context exclude each other", {
      hint: "Give the context of a kubeconfig, or the API's URL with a token",
    });
  }
  const path = (given: string | undefined) =>
    given === undefined ? undefined : pathIn(file, given);
  const kubeconfig = path(flags.kubeconfig);
  const entries: [string, string | undefined][] = [
    ["source.cluster.kubeconfig", kubeconfig],
    ["source.cluster.context", flags["source-context"]],
    ["source.namespace", flags["source-namespace"]],
    ["destination.cluster.kubeconfig", byFile ? undefined : kubeconfig],
    ["destination.cluster.context", flags["dest-context"]],
    ["destination.cluster.server", flags["dest-server"]],
    ["destination.cluster.token.file", path(flags["dest-token-file"])],
    ["destination.cluster.caFile", path(flags["dest-ca-file"])],
    ["destination.namespace", flags["dest-namespace"]],
  ];
  const empty = { source: { cluster: {} }, destination: { cluster: {} } };
  const overlay = overlayOf({ set: flags.set ?? [] });
  let draft: Draft = { file, value: empty, overlay };
  for (const [at, value] of entries) if (value !== undefined) draft = withValue(draft, at, value);
  return { ...draft, value: applyOverlay(draft.value, overlay) };
}

/** Whether anything says where a side is. */
export function isPlaced({ value }: Draft, side: SideName): boolean {
  const cluster = at(at(value, side), "cluster");
  return typeof cluster === "object" && cluster !== null && Object.keys(cluster).length > 0;
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** A copy with one more value, as --set gives it. */
export function withValue(draft: Draft, path: string, leaf: Leaf): Draft {
  const overlay = [{ path: path.split("."), value: leaf, flag: "--set" }];
  return { ...draft, value: applyOverlay(draft.value, overlay) };
}

/** A copy in which nothing is said of a side. */
export function withoutSide(draft: Draft, side: SideName): Draft {
  return { ...draft, value: { ...(draft.value as object), [side]: { cluster: {} } } };
}

/** Below the file's own folder it is a relative path, and an absolute one elsewhere. */
export function pathIn(file: string, path: string): string {
  const near = relative(dirname(resolve(file)), resolve(path));
  return near.startsWith("..") || near === "" ? resolve(path) : near;
}

/** One side as it stands, checked, with absolute paths. */
export function sideOf(draft: Draft, side: SideName): ClusterSideConfig {
  const other = side === "source" ? "destination" : "source";
  const alone = { ...(draft.value as object), [other]: { cluster: {} } };
  const overlay = draft.overlay.filter(({ path }) => path[0] === side);
  const config = parse({ ...draft, value: alone, overlay })[side];
  if (isClusterSide<ClusterSideConfig>(config)) return config;
  throw new MigrationError("E_USAGE", `The ${side} is no cluster`, {
    hint: "Between folders no network config is needed: see migctl start --help",
  });
}

/** All of it; throws E_CONFIG with every problem. */
export function parse({ file, value, overlay }: Draft): NetworkConfig {
  const parsed = parseNetwork(JSON.stringify(value, undefined, 2), file, overlay);
  return resolvePaths(parsed, dirname(resolve(file)));
}
