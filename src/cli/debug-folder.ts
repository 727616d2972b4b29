import { glob } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { NetworkConfig } from "../config/network.ts";
import { folderPart, recordParts } from "../controller/debug/folder-parts.ts";
import type { Part } from "../controller/debug/gather.ts";
import { MigrationError } from "../core/errors.ts";
import { programVersion } from "../core/version.ts";
import { readKeptPlan } from "../plan/kept-plan.ts";
import type { Plan } from "../plan/plan.ts";
import { collectFolder } from "../state/collect.ts";
import { readStatus } from "../state/recover.ts";

export const versionsPart: Part = {
  path: "versions.json",
  async read() {
    const { version: node, platform, arch } = process;
    return [{ path: "versions.json", value: { migctl: programVersion, node, platform, arch } }];
  },
};

export function networkPart(network: NetworkConfig): Part {
  return { path: "network.yaml", read: async () => [{ path: "network.yaml", config: network }] };
}

export interface LocalMigration {
  parts: Part[];
  /** Undefined where it cannot be read. */
  plan: Plan | undefined;
}

/** What tells of a migration of this machine, also of one whose state is damaged. */
export async function localParts(place: string, name: string | undefined): Promise<LocalMigration> {
  const folder = await folderOf(place, name);
  const plan = async () => (await readKeptPlan(`${folder}/plan.json`)) ?? noPlan(folder);
  const records = recordParts({ plan, status: () => readStatus(folder) });
  return {
    parts: [...records, folderPart(() => collectFolder(folder))],
    plan: await plan().catch(() => undefined),
  };
}

function noPlan(folder: string): never {
  throw new MigrationError("E_NO_MIGRATION", `There is no plan in "${folder}"`);
}

async function folderOf(place: string, wanted: string | undefined): Promise<string> {
  const names = await migrationNames(place);
  const matching = names.filter((name) => wanted === undefined || name === wanted);
  const [only, ...others] = matching;
  if (only !== undefined && others.length === 0) return join(place, only);
  const what = only === undefined ? "no such migration" : `${matching.length} migrations`;
  throw new MigrationError("E_NO_MIGRATION", `There is ${what} in "${place}"`, {
    hint:
      names.length === 0
        ? "Name the place with --source-dir, or with --work-dir where that was given at the start"
        : `Give --name with one of: ${names.join(", ")}`,
  });
}

/** Of all folders with a trace of a run. */
async function migrationNames(place: string): Promise<string[]> {
  const traces = glob("*/{plan.json,status.json,events.ndjson,manager.log}", { cwd: place });
  const names = new Set<string>();
  for await (const path of traces) names.add(dirname(path));
  return [...names].sort();
}
