import { formatBytes, formatCount } from "../core/format.ts";
import type { Output } from "../core/output.ts";
import { noVerdicts, sumOfVerdicts, type VerdictCounts } from "../core/verdict.ts";
import type { Forecast, ItemForecast } from "../plan/forecast.ts";
import { describeOutside } from "../plan/outside.ts";
import type { Plan } from "../plan/plan.ts";
import type { CutOverEstimate } from "../state/estimate.ts";
import { estimateText } from "../state/estimate-after.ts";

export interface ForecastView {
  plan: Plan;
  facts: {
    source: { version?: string | undefined };
    destination: { version?: string | undefined };
    warnings: readonly string[];
  };
  forecast: Forecast;
  /** Where something of it was moved before. */
  cutOver: CutOverEstimate;
}

export function printForecast({ plan, facts, forecast, cutOver }: ForecastView, out: Output) {
  out.line(`Plan ${plan.name} (${plan.migrationType}); nothing was written`);
  out.line(`  from ${side(plan.source.dir, facts.source.version)}`);
  out.line(`  to   ${side(plan.destination.dir, facts.destination.version)}`);
  for (const warning of facts.warnings) out.line(`  warning: ${warning}`);
  out.line("");
  out.table(
    ["SCOPE", "WHAT", "COUNT", "SIZE", "NEW", "CHANGED", "IDENTICAL", "CONFLICT", "REJECTED"],
    forecast.items.flatMap(itemRows),
  );
  out.line("");
  out.line(spaceLine("destination", forecast.space.destination));
  out.line(spaceLine("work directory", forecast.space.workDir));
  for (const item of forecast.items) printRemarks(item, out);
  const text = plan.migrationType === "files" ? undefined : estimateText(cutOver);
  if (text === undefined) return;
  out.line("");
  out.line(text);
}

function side(dir: string, version: string | undefined): string {
  return version === undefined ? dir : `${dir}, MongoDB ${version}`;
}

function itemRows(item: ItemForecast): string[][] {
  const rows = item.documents
    .filter(({ documents }) => documents > 0)
    .map((one) => row(item.scope, one.collection, one.documents, one));
  if (item.files) rows.push(row(item.scope, "(files)", item.files.entries, item.files));
  return rows.length > 0 ? rows : [row(item.scope, "(nothing)", 0, nothing)];
}

const nothing = { bytes: 0, verdicts: noVerdicts() };

function row(
  scope: string,
  what: string,
  count: number,
  { bytes, verdicts }: { bytes: number; verdicts: VerdictCounts },
): string[] {
  const { migrated, updated, identical, conflict, rejected } = verdicts;
  const counts = [migrated, updated, identical, conflict, rejected].map(formatCount);
  return [scope, what, formatCount(count), formatBytes(bytes), ...counts];
}

function spaceLine(name: string, space: { neededBytes: number; freeBytes: number }): string {
  const short = space.neededBytes > space.freeBytes ? "  TOO LITTLE" : "";
  const needed = formatBytes(space.neededBytes);
  return `Space at the ${name}: needs up to ${needed}, has ${formatBytes(space.freeBytes)}${short}`;
}

function printRemarks(item: ItemForecast, out: Output) {
  const lines = [...scopeRemarks(item), ...ownershipRemarks(item), ...findingRemarks(item)];
  lines.push(...pruneRemarks(item));
  if (lines.length === 0) return;
  out.line("");
  out.line(`${item.scope}:`);
  for (const line of lines) out.line(`  ${line}`);
}

function scopeRemarks({ owners, outside, leftOut, missing, unsafe }: ItemForecast): string[] {
  const lines: string[] = [];
  if (owners.length > 0) {
    lines.push(`owners that must exist at the destination: ${owners.join(", ")}`);
  }
  lines.push(...outside.map(describeOutside));
  if (outside.some(({ count, dangling }) => count > dangling)) {
    lines.push("  --include-references takes them along");
  }
  if (leftOut.length > 0) lines.push(`left out: ${leftOut.join(", ")}`);
  lines.push(...listed("paths that documents name are not at the source", missing));
  lines.push(...listed("documents have an id or owner that cannot be a path", unsafe));
  return lines;
}

function ownershipRemarks({ files }: ItemForecast): string[] {
  if (files?.ownership === undefined) return [];
  const { mode, changes, more, setId } = files.ownership;
  const lines = changes.map(
    ({ what, from, to = "the destination's", entries }) =>
      `ownership ${mode}: ${what} ${from} becomes ${to} (${formatCount(entries)})`,
  );
  if (more > 0) lines.push(`ownership ${mode}: ${formatCount(more)} more users and groups change`);
  if (setId > 0) lines.push(`${formatCount(setId)} files lose setuid or setgid`);
  return lines;
}

function findingRemarks({ documents, files }: ItemForecast): string[] {
  const lines = (files?.examples ?? []).map((example) => `file: ${JSON.stringify(example)}`);
  for (const { collection, examples, unchecked } of documents) {
    for (const example of examples) {
      lines.push(`conflict: ${collection} ${JSON.stringify(example)}`);
    }
    if (unchecked > 0) {
      lines.push(`${formatCount(unchecked)} ${collection} were not checked for unique indexes`);
    }
  }
  return lines;
}

function pruneRemarks({ prune }: ItemForecast): string[] {
  if (prune === undefined) return [];
  const removed = `${formatCount(prune.documents)} documents and ${formatCount(prune.files)} files`;
  return [
    `${removed} vanished at the source and are removed, ${formatCount(prune.kept)} are kept`,
    ...prune.examples.map(({ name, kept }) => `  ${name}${kept === undefined ? "" : `: ${kept}`}`),
  ];
}

function listed(what: string, { count, examples }: ItemForecast["missing"]): string[] {
  if (count === 0) return [];
  const shown = examples
    .slice(0, 3)
    .map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
  return [`${formatCount(count)} ${what}: ${shown.join(", ")}${count > shown.length ? ", …" : ""}`];
}

/** Whether a run would write anything. */
export function hasChanges({ items }: Forecast): boolean {
  return items.some(
    ({ documents, files, prune }) =>
      (prune?.documents ?? 0) + (prune?.files ?? 0) > 0 ||
      [...documents.map(({ verdicts }) => verdicts), ...(files ? [files.verdicts] : [])].some(
        (counts) => sumOfVerdicts(counts) > counts.identical + counts.conflict + counts.rejected,
      ),
  );
}
