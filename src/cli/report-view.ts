import { formatCount } from "../core/format.ts";
import type { Output } from "../core/output.ts";
import { sumOfVerdicts, type VerdictCounts, verdicts } from "../core/verdict.ts";
import { headlineOf, type Report, verdictRows } from "../state/report.ts";
import type { ReportItem } from "../state/report-item.ts";
import { accountHead, accountNotes, accountRow } from "../state/report-profile.ts";

/** The table of what moved and what every document and file became, and what to know beside it. */
export function printReport(report: Report, out: Output) {
  out.line(`Migration ${report.name}: ${headlineOf(report)}`);
  out.line(`  from ${report.source}`);
  out.line(`  to   ${report.destination}`);
  out.line(`  verified: ${report.verify}`);
  out.line("");
  const rows = report.items.flatMap((item) =>
    verdictRows(item).map(({ name, counts }) => [item.scope, name, ...cells(counts)]),
  );
  const { documents, files } = report.totals;
  if (sumOfVerdicts(documents) > 0) rows.push(["all", "(documents)", ...cells(documents)]);
  if (sumOfVerdicts(files) > 0) rows.push(["all", "(files)", ...cells(files)]);
  out.table(["SCOPE", "WHAT", "SOURCE", ...verdicts.map((verdict) => verdict.toUpperCase())], rows);
  for (const item of report.items) {
    printRemarks(item, out);
    printProfile(item, out);
  }
  if (report.cutOver === undefined) return;
  out.line("");
  out.line(report.cutOver);
}

function printProfile({ scope, profile = [] }: ReportItem, out: Output) {
  if (profile.length === 0) return;
  out.line("");
  out.line(`${scope}, where the time went:`);
  out.table(
    accountHead.map((name) => name.toUpperCase()),
    profile.map(accountRow),
  );
  for (const note of accountNotes(profile)) out.line(note);
}

function cells(counts: VerdictCounts): string[] {
  return [sumOfVerdicts(counts), ...verdicts.map((verdict) => counts[verdict])].map(formatCount);
}

function printRemarks({ scope, error, owners, todo, notes, lists }: ReportItem, out: Output) {
  const lines: string[] = [];
  if (error) lines.push(`failed: ${error.message} (${error.code})`);
  if (error?.hint) lines.push(`  ${error.hint}`);
  if (owners.length > 0)
    lines.push(`owners that must exist at the destination: ${owners.join(", ")}`);
  for (const note of notes) lines.push(note);
  for (const path of lists) lines.push(`listed by name in ${path}`);
  for (const task of todo) lines.push(`left to do at the destination: ${task}`);
  if (lines.length === 0) return;
  out.line("");
  out.line(`${scope}:`);
  for (const line of lines) out.line(`  ${line}`);
}
