import { resolve } from "node:path";
import { MigrationError } from "../core/errors.ts";

/** The flags that go before what the file says. */
export interface NetworkFlags {
  namespace?: string | undefined;
  context?: string | undefined;
  kubeconfig?: string | undefined;
  transport?: string | undefined;
  link?: string | undefined;
  "destination-image"?: string | undefined;
  /** `path=value` each. */
  set?: readonly string[] | undefined;
}

type Leaf = string | boolean | string[];
export type Overlay = { path: string[]; value: Leaf; flag: string }[];

const flagPaths = [
  ["namespace", "source.namespace"],
  ["context", "source.cluster.context"],
  ["kubeconfig", "source.cluster.kubeconfig"],
  ["transport", "destination.transport"],
  ["link", "destination.link"],
  ["destination-image", "destination.image"],
] as const satisfies [keyof NetworkFlags, string][];

/** The flags as paths into the network config. */
export function overlayOf(flags: NetworkFlags): Overlay {
  const overlay: Overlay = [];
  for (const [name, path] of flagPaths) {
    const value = flags[name];
    if (value === undefined) continue;
    const leaf = name === "kubeconfig" ? resolve(value) : value;
    overlay.push({ path: path.split("."), value: leaf, flag: `--${name}` });
  }
  for (const text of flags.set ?? []) overlay.push(assignment(text));
  return overlay;
}

function assignment(text: string): Overlay[number] {
  const match = /^((?:source|destination)(?:\.[A-Za-z][A-Za-z0-9]*)+)=(.*)$/s.exec(text);
  if (match?.[1] === undefined) {
    throw new MigrationError(
      "E_USAGE",
      "Flag --set takes a path of the network config and a value",
      {
        hint: "Give it as --set source.claim=data-pvc; a list as {a,b}",
      },
    );
  }
  return { path: match[1].split("."), value: leafOf(match[2] ?? ""), flag: "--set" };
}

/** As Helm's `--set` has it; no field of the network config is a number. */
function leafOf(text: string): Leaf {
  if (text === "true" || text === "false") return text === "true";
  if (text.startsWith("{") && text.endsWith("}")) return text.slice(1, -1).split(",");
  return text;
}

/** A copy with the overlay in it; what is no map where one is needed is left for the schema. */
export function applyOverlay(value: unknown, overlay: Overlay): unknown {
  return overlay.reduce((result, { path, value: leaf }) => {
    const isByContext = path[1] === "cluster" && ["context", "kubeconfig"].includes(path[2] ?? "");
    return put(isByContext ? byKubeconfig(result, path[0] ?? "") : result, path, leaf);
  }, value);
}

/** A context is of a kubeconfig: it takes the place of a URL with all that belongs to that. */
function byKubeconfig(value: unknown, side: string): unknown {
  const cluster = own(own(value, side), "cluster");
  const isOther = own(cluster, "server") !== undefined || own(cluster, "inCluster") !== undefined;
  return isOther ? put(value, [side, "cluster"], {}) : value;
}

function put(value: unknown, [key, ...rest]: readonly string[], leaf: unknown): unknown {
  if (key === undefined) return leaf;
  if (value === undefined) return { [key]: put(undefined, rest, leaf) };
  if (!isMap(value)) return value;
  return { ...value, [key]: put(own(value, key), rest, leaf) };
}

function own(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
