import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, hasCode } from "../core/errors.ts";
import { readKeptPlan } from "../plan/kept-plan.ts";
import type { Plan } from "../plan/plan.ts";
import { readStatus } from "./recover.ts";
import type { Status } from "./status.ts";

export interface FoundMigration {
  folder: string;
  plan: Plan;
  status: Status;
}

/** All migrations at a place, the newest first. Throws E_INTEGRITY where a plan is damaged. */
export async function listMigrations(place: string): Promise<FoundMigration[]> {
  const found: FoundMigration[] = [];
  for (const name of await namesIn(place)) {
    const migration = await openMigration(join(place, name));
    if (migration !== undefined) found.push(migration);
  }
  return found.sort((a, b) => b.status.startedAt - a.status.startedAt);
}

async function namesIn(place: string): Promise<string[]> {
  try {
    return await readdir(place);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

async function openMigration(folder: string): Promise<FoundMigration | undefined> {
  const plan = await readKeptPlan(join(folder, "plan.json")).catch((error: unknown) => {
    // Somebody else's, kept from others.
    if (codeOf(error) !== "EACCES") throw error;
  });
  if (plan === undefined) return undefined;
  try {
    return { folder, plan, status: await readStatus(folder) };
  } catch (error) {
    if (hasCode(error, "E_NO_MIGRATION")) return undefined;
    throw error;
  }
}
