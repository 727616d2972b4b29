import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTime } from "../../tools/cluster/daemon.ts";
import { down } from "../../tools/cluster/down.ts";
import { isAlive, locked } from "../../tools/cluster/lock.ts";
import { missingForCluster } from "../../tools/cluster/requirements.ts";
import { paths } from "../../tools/cluster/settings.ts";
import { up } from "../../tools/cluster/up.ts";

/** A cluster that tests can use, or why there is none. */
export type ClusterOffer =
  | { kind: "local" | "existing"; kubeconfig: string; missing?: undefined }
  | { kind: "none"; missing: string };

const { users } = paths;
let startedHere = false;

/** An existing cluster that the environment names, else our own on this machine. */
export async function offerCluster(): Promise<ClusterOffer> {
  const existing = process.env["MIGCTL_E2E_KUBECONFIG"];
  if (existing) return { kind: "existing", kubeconfig: existing };
  const missing = await missingForCluster();
  // Where the tests are a gate, tests that do not run must not look like tests that pass.
  if (missing && process.env["CI"] === "true") throw new Error(missing);
  if (missing) return { kind: "none", missing };
  const { kubeconfig, started } = await up();
  startedHere = started;
  mkdirSync(users, { recursive: true });
  writeFileSync(ownUse(), `${process.pid} ${startTime(process.pid)}`);
  return { kind: "local", kubeconfig };
}

/** Ends the cluster where this process has started it and no other uses it. */
export async function withdrawCluster(): Promise<void> {
  rmSync(ownUse(), { force: true });
  if (!startedHere || process.env["MIGCTL_E2E_KEEP"]) return;
  await locked(async () => {
    if (!otherUsers()) await down();
  });
}

function ownUse(): string {
  return join(users, String(process.pid));
}

function otherUsers(): boolean {
  const names = existsSync(users) ? readdirSync(users) : [];
  return names.some((name) => isAlive(readFileSync(join(users, name), "utf8")));
}
