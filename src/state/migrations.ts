import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, hasCode, MigrationError } from "../core/errors.ts";
import { readKeptPlan } from "../plan/kept-plan.ts";
import type { Plan } from "../plan/plan.ts";
import { readStatus } from "./recover.ts";
import type { Status } from "./status.ts";

export interface FoundMigration {
  folder: string;
  plan: Plan;
  status: Status;
}

/** One whose plan or status cannot be read: damaged, or of another version. */
interface DamagedMigration {
  /** Of its folder. */
  name: string;
  error: MigrationError;
}

export interface Migrations {
  found: FoundMigration[];
  damaged: DamagedMigration[];
}

/** All migrations at a place, the newest first. */
export async function listMigrations(place: string): Promise<Migrations> {
  const found: FoundMigration[] = [];
  const damaged: DamagedMigration[] = [];
  for (const name of await namesIn(place)) {
    try {
      const migration = await openMigration(join(place, name));
      if (migration !== undefined) found.push(migration);
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      damaged.push({ name, error });
    }
  }
  found.sort((a, b) => b.status.startedAt - a.status.startedAt);
  return { found, damaged };
}

/** Tells of each that is damaged; throws what one of them met with where nothing else is there. */
export function tellDamaged({ found, damaged }: Migrations, note: (line: string) => void) {
  const [first, ...others] = damaged;
  const isAlone = found.length === 0;
  for (const { name, error } of isAlone ? others : damaged) {
    note(`Migration "${name}" is not shown: ${error.message} (${error.code})`);
    if (error.hint !== undefined) note(`  ${error.hint}`);
  }
  if (isAlone && first !== undefined) throw first.error;
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
