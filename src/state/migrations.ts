import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, hasCode } from "../core/errors.ts";
import { Plan } from "../plan/plan.ts";
import { readStatus } from "./recover.ts";
import type { Status } from "./status.ts";

export interface FoundMigration {
  folder: string;
  plan: Plan;
  status: Status;
}

/** All migrations at a place, the newest first. */
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
  const text = await readFile(join(folder, "plan.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const plan = Plan.safeParse(JSON.parse(text)).data;
  if (plan === undefined) return undefined;
  try {
    return { folder, plan, status: await readStatus(folder) };
  } catch (error) {
    if (hasCode(error, "E_NO_MIGRATION")) return undefined;
    throw error;
  }
}
