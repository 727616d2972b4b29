import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { readJsonc } from "./jsonc-file.ts";
import { NetworkConfig } from "./network.ts";
import { applyOverlay, type NetworkFlags, type Overlay, overlayOf } from "./network-overlay.ts";
import { credentialFiles, namesCredentials, resolvePaths } from "./network-paths.ts";
import { networkProblems } from "./network-problems.ts";
import { checkShape, type Parsed, type Shape } from "./shape.ts";
import { readText, readYaml } from "./yaml-file.ts";

const shape: Shape<NetworkConfig> = {
  code: "E_CONFIG",
  what: "network config",
  schema: NetworkConfig,
  check: networkProblems,
};

export interface LoadedNetwork {
  /** With every path absolute. */
  network: NetworkConfig;
  warnings: string[];
}

/** Reads the network config and puts the flags over it; all problems are told at once. */
export async function loadNetwork(path: string, flags: NetworkFlags = {}): Promise<LoadedNetwork> {
  const overlay = overlayOf(flags);
  const parsed = parseNetwork(await readText(path, shape), path, overlay);
  const network = resolvePaths(parsed, dirname(path));
  return { network, warnings: await modeWarnings(path, network) };
}

/** As `loadNetwork`, of a text; JSON, with comments and trailing commas, or YAML. */
export function parseNetwork(text: string, name: string, overlay: Overlay = []): NetworkConfig {
  const parsed = isJson(text, name) ? readJsonc(text, name, shape) : readYaml(text, name, shape);
  return checkShape(overlaid(parsed, overlay), name, shape);
}

function overlaid({ value, placeOf }: Parsed, overlay: Overlay): Parsed {
  return {
    value: applyOverlay(value, overlay),
    placeOf(path) {
      const given = overlay.findLast((one) => one.path.every((part, at) => part === path[at]));
      return given === undefined ? placeOf(path) : { flag: given.flag };
    },
  };
}

function isJson(text: string, name: string): boolean {
  if (/\.ya?ml$/i.test(name)) return false;
  return /\.jsonc?$/i.test(name) || /^[\s\ufeff]*(\{|\/[/*])/.test(text);
}

async function modeWarnings(path: string, network: NetworkConfig): Promise<string[]> {
  const warnings: string[] = [];
  const mode = await modeOf(path);
  if ((mode & 0o022) !== 0) {
    warnings.push(`Others can change the network config "${path}": chmod 600 it`);
  } else if ((mode & 0o044) !== 0 && namesCredentials(network)) {
    warnings.push(`Others can read where "${path}" says that credentials are: chmod 600 it`);
  }
  for (const file of credentialFiles(network)) {
    if (((await modeOf(file)) & 0o077) === 0) continue;
    warnings.push(`Others can read or change the credential in "${file}": chmod 600 it`);
  }
  return warnings;
}

/** None where there is no such file: reading it says so. */
async function modeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ mode }) => mode,
    () => 0,
  );
}
