import { findMigration } from "../controller/find-migration.ts";
import { askManager } from "../controller/manager.ts";
import { MigrationError } from "../core/errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { Earlier } from "./again-in-cluster.ts";
import type { CliContext } from "./context.ts";
import { needsNetwork } from "./needs-network.ts";
import { fromFolderAgain } from "./start-folder.ts";
import { showLog } from "./verify-view.ts";

interface Asked {
  /** The folder that holds the migrations. */
  place: string;
  /** The network config, where there is one. */
  file: string | undefined;
  flags: { name?: string };
  command: string;
}

/** Asks a manager that runs here of what an earlier migration of a folder brought. */
export async function askFolder<T>(
  { place, file, flags, command }: Asked,
  question: Earlier<T>,
  context: CliContext,
): Promise<T> {
  const { plan } = await findMigration(place, flags.name);
  if (plan.destination.kind === "local") return await askHere(plan, question, context);
  if (file !== undefined) return await fromFolderAgain(file, plan, { flags, question }, context);
  throw needsNetwork(command);
}

async function askHere<T>(
  plan: Plan,
  { args, schema }: Earlier<T>,
  { out, manager, progress, onStop }: CliContext,
): Promise<T> {
  const stop = new AbortController();
  const release = onStop(() => stop.abort(interrupted()));
  try {
    const onLog = showLog(progress, out);
    return await askManager(manager, { args, input: plan, schema, signal: stop.signal, onLog });
  } finally {
    release();
  }
}

function interrupted(): MigrationError {
  return new MigrationError("E_INTERRUPTED", "Stopped", { hint: "Start the same command again" });
}
