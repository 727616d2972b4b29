import { resolve } from "node:path";
import { workDirOf } from "../config/load.ts";
import { MigrationError } from "../core/errors.ts";
import { type FoundMigration, listMigrations } from "../state/migrations.ts";

export interface Place {
  "source-dir"?: string | undefined;
  "work-dir"?: string | undefined;
}

/** The folder that holds the migrations of a source; reading never makes it. */
export function placeOf({ "source-dir": sourceDir, "work-dir": workDir }: Place): string {
  if (workDir !== undefined) return resolve(workDir);
  if (sourceDir !== undefined) return workDirOf(resolve(sourceDir), undefined);
  throw new MigrationError("E_USAGE", "It is not said where the migrations are", {
    hint: "Give --source-dir DIR, or --work-dir DIR where that was given at the start",
  });
}

/**
 * The migration of that name, or the only one; E_NO_MIGRATION names what there is. Throws what
 * keeps it from being read where it is damaged: another one is not taken for it.
 */
export async function findMigration(
  place: string,
  name: string | undefined,
): Promise<FoundMigration> {
  const { found, damaged } = await listMigrations(place);
  const all = [...found.map((one) => ({ name: one.plan.name, ...one })), ...damaged];
  const matching = name === undefined ? all : all.filter((one) => one.name === name);
  const [only, ...others] = matching;
  if (only !== undefined && others.length === 0) {
    if ("error" in only) throw only.error;
    return only;
  }
  const names = all.map((one) => one.name).join(", ");
  if (all.length === 0) {
    throw new MigrationError("E_NO_MIGRATION", `There is no migration in "${place}"`, {
      hint: "Start one with migctl start, or name the place with --source-dir or --work-dir",
    });
  }
  const message =
    name === undefined
      ? `There are ${all.length} migrations in "${place}"`
      : `There is no migration "${name}" in "${place}"`;
  throw new MigrationError("E_NO_MIGRATION", message, {
    hint: `Give --name with one of: ${names}`,
  });
}
