import { type LiveMigration, listLive } from "../controller/deploy/live.ts";
import { statusOf } from "../controller/deploy/refuse-living.ts";
import { listResults } from "../controller/deploy/result.ts";
import { MigrationError } from "../core/errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { Status } from "../state/status.ts";
import type { Source } from "./cluster.ts";

/** A migration of a namespace, as far as the cluster tells of it. */
export interface ClusterMigration {
  name: string;
  /** Undefined where only an ended run's result is left. */
  live: LiveMigration | undefined;
  plan: Plan | undefined;
  /** Undefined where it has none yet, or nothing can tell it now. */
  status: Status | undefined;
}

export interface Wanted {
  name?: string | undefined;
  /** Only those of this type. */
  migrationType?: string | undefined;
}

/** All migrations of a namespace: those that run, and what ended ones left. */
export async function migrationsOf({ cluster, namespace }: Source): Promise<ClusterMigration[]> {
  const [live, results] = await Promise.all([
    listLive(cluster, namespace),
    listResults(cluster, namespace),
  ]);
  const running = await Promise.all(
    live.map(async (one): Promise<ClusterMigration> => {
      const kept = results.find(({ plan }) => plan.name === one.name);
      const status = (await statusOf(cluster, namespace, one)) ?? kept?.status;
      return { name: one.name, live: one, plan: one.plan ?? kept?.plan, status };
    }),
  );
  const gone = results.filter(({ plan }) => !live.some(({ name }) => name === plan.name));
  return [
    ...running,
    ...gone.map(({ plan, status }) => ({ name: plan.name, live: undefined, plan, status })),
  ];
}

/** The migration that is meant, or the only one; E_NO_MIGRATION names what there is. */
export async function findInCluster(source: Source, wanted: Wanted): Promise<ClusterMigration> {
  return chooseMigration(await migrationsOf(source), source, wanted);
}

export function chooseMigration(
  all: readonly ClusterMigration[],
  source: Pick<Source, "namespace">,
  wanted: Wanted,
): ClusterMigration {
  const matching = all.filter(
    ({ name, plan }) =>
      (wanted.name === undefined || name === wanted.name) &&
      (wanted.migrationType === undefined || plan?.migrationType === wanted.migrationType),
  );
  const [only, ...others] = matching;
  if (only !== undefined && others.length === 0) return only;
  const where = `namespace "${source.namespace}"`;
  if (all.length === 0) {
    throw new MigrationError("E_NO_MIGRATION", `There is no migration in ${where}`, {
      hint: "Start one with migctl start, or name another namespace with -n",
    });
  }
  const names = all.map(({ name }) => name).join(", ");
  const message =
    only === undefined
      ? `There is no such migration in ${where}`
      : `There are ${matching.length} migrations in ${where}`;
  throw new MigrationError("E_NO_MIGRATION", message, {
    hint: `Give --name with one of: ${names}`,
  });
}
