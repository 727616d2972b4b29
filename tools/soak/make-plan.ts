import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePlan } from "../../src/plan/make.ts";
import { Plan } from "../../src/plan/plan.ts";
import { run } from "../../test/support/migration.ts";
import type { Bed } from "./bed.ts";
import { database, users } from "./data.ts";
import type { Round } from "./schedule.ts";

/** As migctl makes it; the way to a destination that is no folder takes the place of the folder. */
export async function planRound(bed: Bed, round: Round): Promise<{ path: string; state: string }> {
  const { source, destination, work, description, receiver, folder } = bed;
  const { code, stdout, stderr } = await run(
    "migctl",
    ...["plan", "-o", "json", "--application", description, "--name", "soak"],
    ...["--source-dir", source.dir, "--source-uri-file", source.uriFile],
    ...["--dest-dir", destination.volume.folder, "--dest-uri-file", destination.uriFile],
    ...["--source-database", database, "--dest-database", database],
    ...["--work-dir", work.folder, "--compression", round.compression],
    ...["--on-conflict", round.onConflict],
    ...(round.scope === "users" ? users.flatMap((user) => ["--user", user]) : []),
  );
  if (code !== 0) throw new Error(`There is no plan: ${stderr}`);
  const plan = Plan.parse(JSON.parse(stdout).plan);
  const path = join(folder, "plan.json");
  writeFileSync(path, JSON.stringify(receiver === undefined ? plan : moved(plan, receiver)));
  return { path, state: join(work.folder, plan.name) };
}

function moved(plan: Plan, { endpoint }: NonNullable<Bed["receiver"]>): Plan {
  const cluster = {
    ...{ server: endpoint.access.server, namespace: "soak" },
    claim: { name: "soak", uid: "soak" },
    release: { name: "soak" },
  };
  const destination = { ...plan.destination, kind: "cluster" as const, cluster, ...endpoint };
  return makePlan({ ...plan, destination, scopes: plan.items.map(({ scope }) => scope) });
}
