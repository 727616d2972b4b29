import type { NetworkFlags } from "../config/network-overlay.ts";
import { exitCodes, MigrationError } from "../core/errors.ts";
import { formatDuration } from "../core/format.ts";
import { lastEndOf } from "../kube/pod-end.ts";
import { sourceOf, withNetwork } from "./cluster.ts";
import type { CliContext } from "./context.ts";
import {
  type ClusterMigration,
  chooseMigration,
  migrationsOf,
  type Wanted,
} from "./find-in-cluster.ts";
import { printStatus } from "./status-view.ts";
import { completeFromVolume } from "./volume-pod.ts";

/** Shows the migrations of a namespace, or the steps of the one that is meant. */
export async function showClusterStatus(
  file: string,
  flags: NetworkFlags & Wanted,
  context: CliContext,
) {
  return await withNetwork(file, flags, context, async (tools) => {
    const source = await sourceOf(tools);
    const isAny = flags.name === undefined && flags.migrationType === undefined;
    const all = await completeFromVolume(await migrationsOf(source), tools, context);
    if (isAny && all.length > 1) printList(all, context);
    else printOne(chooseMigration(all, source, flags), context);
    return exitCodes.done;
  });
}

function printList(all: readonly ClusterMigration[], { out, format, clock }: CliContext) {
  if (format !== "table") {
    out.data(
      all.map(({ name, live, status }) => ({ name, pod: podText(live), status })),
      format,
    );
    return;
  }
  const rows = all.map(({ name, plan, status, live }) => [
    name,
    plan?.migrationType ?? "",
    status?.state ?? "",
    podText(live),
    status === undefined
      ? ""
      : `${formatDuration(Math.max(0, clock.now() - status.startedAt))} ago`,
  ]);
  out.table(["NAME", "TYPE", "STATE", "POD", "STARTED"], rows);
}

function printOne({ name, live, status }: ClusterMigration, { out, format, clock }: CliContext) {
  if (status === undefined) throw noStatus(name, live);
  if (format !== "table") return out.data(status, format);
  printStatus(status, out, clock.now());
  out.line("");
  out.line(live === undefined ? "Its pod is gone." : `Pod: ${podText(live)}`);
  const end = live?.pod === undefined ? undefined : lastEndOf(live.pod);
  if (end !== undefined) out.line(`  ${end}`);
}

function podText(live: ClusterMigration["live"]): string {
  if (live === undefined) return "gone";
  if (live.pod === undefined) return "none yet";
  const { metadata, status } = live.pod;
  return `${metadata.name} (${status?.phase ?? "Unknown"})`;
}

function noStatus(name: string, live: ClusterMigration["live"]): MigrationError {
  const end = live?.pod === undefined ? undefined : lastEndOf(live.pod);
  return new MigrationError("E_NO_MIGRATION", `The migration "${name}" has no status yet`, {
    hint: `Its pod is ${podText(live)}; see migctl logs --name ${name}${end === undefined ? "" : `. ${end}`}`,
  });
}
