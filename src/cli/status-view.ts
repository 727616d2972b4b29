import { formatBytes, formatCount, formatDuration, formatRate } from "../core/format.ts";
import type { Output } from "../core/output.ts";
import type { FoundMigration } from "../state/migrations.ts";
import { type Row, rowsOf } from "../state/rows.ts";
import type { Status } from "../state/status.ts";

export function printStatusList(all: readonly FoundMigration[], out: Output, now: number) {
  const rows = all.map(({ plan, status }) => [
    plan.name,
    plan.migrationType,
    status.state,
    `${status.items.filter(({ state }) => state === "done").length}/${status.items.length}`,
    String(status.generation),
    `${formatDuration(Math.max(0, now - status.startedAt))} ago`,
  ]);
  out.table(["NAME", "TYPE", "STATE", "ITEMS DONE", "RUN", "STARTED"], rows);
}

export function printStatus(status: Status, out: Output, now: number) {
  const exit = status.exitCode === undefined ? "" : `, exit code ${status.exitCode}`;
  out.line(`Migration ${status.name}: ${status.state}${exit}`);
  if (status.state === "running" && status.holder) {
    const age = formatDuration(Math.max(0, now - status.updatedAt));
    out.line(
      `  by process ${status.holder.pid} on ${status.holder.host}, last heard of ${age} ago`,
    );
  }
  if (status.state === "running" && status.bandwidthLimit !== undefined) {
    out.line(`  sends at most ${formatRate(status.bandwidthLimit)} of files (migctl bwlimit)`);
  }
  if (status.waiting !== undefined) {
    const { since, what, reason, hint } = status.waiting;
    const age = formatDuration(Math.max(0, now - since));
    out.line(`  waits since ${age} for ${what}: ${reason}`);
    out.line(`  ${hint}`);
  }
  out.line("");
  const rows = rowsOf(status, now);
  out.table(
    ["ITEM AND STEP", "STATE", "ATTEMPTS", "TIME", "DONE", "VERDICTS"],
    rows.map((row) => [
      row.step === undefined ? scopeOf(status, row.item) : `  ${row.step}`,
      row.state,
      row.level === "item" ? "" : String(row.attempts),
      row.milliseconds === undefined ? "" : formatDuration(row.milliseconds),
      doneText(row),
      verdictText(row),
    ]),
  );
  for (const { level, item, step, error } of rows) {
    if (level !== "step" || error === undefined) continue;
    out.line("");
    out.line(`${scopeOf(status, item)} ${step}: ${error.message} (${error.code})`);
    if (error.hint) out.line(`  ${error.hint}`);
  }
}

function scopeOf({ items }: Status, id: string): string {
  return items.find((item) => item.id === id)?.scope ?? id;
}

function doneText({ files, documents, bytes }: Row): string {
  const parts = [];
  if (documents) parts.push(`${formatCount(documents.done)} documents`);
  if (files) parts.push(`${formatCount(files.done)} files`);
  if (bytes) parts.push(formatBytes(bytes.done));
  return parts.join(", ");
}

function verdictText({ verdicts }: Row): string {
  const entries = Object.entries(verdicts ?? {}).filter(([, count]) => count > 0);
  return entries.map(([name, count]) => `${name} ${formatCount(count)}`).join(", ");
}
