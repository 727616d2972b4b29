import { loadVerifyMode } from "../../config/load.ts";
import { options } from "../../config/options.ts";
import { findMigration } from "../../controller/find-migration.ts";
import { askManager } from "../../controller/manager.ts";
import { defineCommand } from "../../core/command.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Plan } from "../../plan/plan.ts";
import { exitCodeOf, Verification } from "../../plan/verification.ts";
import type { CliContext } from "../context.ts";
import { needsNetwork } from "../needs-network.ts";
import { clusterOptions } from "../request-options.ts";
import { verifyFromFolder } from "../start-folder.ts";
import { verifyInCluster } from "../verify-cluster.ts";
import { printVerification, showLog } from "../verify-view.ts";
import { whereOf } from "../where.ts";

const { workload: _, template: __, ...podOptions } = clusterOptions;

export const verifyCommand = defineCommand({
  name: "verify",
  describe: "Check an earlier migration again: read both sides and compare; nothing is written",
  args: {
    ...podOptions,
    "start-timeout": options["start-timeout"],
    "source-dir": options["source-dir"],
    "work-dir": options["work-dir"],
    migrationType: { ...options.migrationType, describe: "Only a migration of this type" },
    name: { ...options.name, describe: "The migration's name, where there are several" },
    verify: { ...options.verify, default: "full" },
  },
  examples: [
    ["migctl verify", "Between the clusters of network.json, by a pod beside the source's volume"],
    ["migctl verify --source-dir /a/data", "Between folders; every file is hashed on both sides"],
    ["migctl verify --verify written", "Hash only what that migration itself wrote"],
  ],
  async run(flags, context: CliContext) {
    const { out, format } = context;
    loadVerifyMode(flags.verify ?? "full");
    const { place, file } = await whereOf(flags);
    const verification =
      place === undefined
        ? await verifyInCluster(file, flags, context)
        : await verifyFolder({ place, file, flags }, context);
    if (format === "table") printVerification(verification, out);
    else out.data(verification, format);
    return exitCodeOf(verification);
  },
});

interface FolderQuestion {
  place: string;
  file: string | undefined;
  flags: { name?: string; verify?: string };
}

/** By a manager that runs here. */
async function verifyFolder({ place, file, flags }: FolderQuestion, context: CliContext) {
  const { plan } = await findMigration(place, flags.name);
  if (plan.destination.kind === "local") return await verifyHere(plan, flags.verify, context);
  if (file !== undefined) return await verifyFromFolder(file, plan, flags, context);
  throw needsNetwork("verify");
}

async function verifyHere(
  plan: Plan,
  mode = "full",
  { out, manager, progress, onStop }: CliContext,
): Promise<Verification> {
  const stop = new AbortController();
  const release = onStop(() => stop.abort(interrupted()));
  try {
    return await askManager(manager, {
      ...{ args: ["verify", "--plan", "-", "--verify", mode], input: plan, schema: Verification },
      ...{ signal: stop.signal, onLog: showLog(progress, out) },
    });
  } finally {
    release();
  }
}

function interrupted(): MigrationError {
  return new MigrationError("E_INTERRUPTED", "Stopped", { hint: "Start the verification again" });
}
