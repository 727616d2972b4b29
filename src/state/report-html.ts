import { printable } from "../core/output.ts";
import { sumOfVerdicts, type VerdictCounts, verdicts } from "../core/verdict.ts";
import { headlineOf, type Report, verdictRows } from "./report.ts";
import type { ReportItem } from "./report-item.ts";
import { accountHead, accountNotes, accountRow } from "./report-profile.ts";

/** The report as one page: no scripts, nothing fetched, every value escaped. */
export function renderReportHtml(report: Report): string {
  const title = `Migration ${report.name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${text(title)} <span class="state ${text(badgeOf(report))}">${text(headlineOf(report))}</span></h1>
${facts(report)}
<h2>All items</h2>
${verdictTable([
  { name: "Documents", counts: report.totals.documents },
  { name: "Files", counts: report.totals.files },
])}
${report.items.map(renderItem).join("\n")}
</body>
</html>
`;
}

/** Green is only for what needs nobody to look at it. */
function badgeOf({ state, exitCode }: Report): string {
  return state === "done" && exitCode !== 0 ? "interrupted" : state;
}

function facts(report: Report): string {
  const rows: [string, string | undefined][] = [
    ["Application", `${report.application}, ${report.migrationType}`],
    ["Source", report.source],
    ["Destination", report.destination],
    ["Started", report.startedAt],
    ["Finished", report.finishedAt ?? "not yet"],
    ["Run", String(report.generation)],
    ["Verified", report.verify],
    ["Conflicts", report.onConflict],
    ["Exit code", report.exitCode === undefined ? "none yet" : String(report.exitCode)],
    ...(report.cutOver === undefined ? [] : [["Next", report.cutOver] as [string, string]]),
  ];
  const lines = rows.map(([name, value]) => `<tr><th>${text(name)}<td>${text(value ?? "")}`);
  return `<table class="facts">${lines.join("")}</table>`;
}

function renderItem(item: ReportItem): string {
  const error = item.error
    ? `<p class="error">${text(item.error.code)}: ${text(item.error.message)}${
        item.error.hint ? `<br>${text(item.error.hint)}` : ""
      }</p>`
    : "";
  return `<section>
<h2>${text(item.scope)} <span class="state ${text(item.state)}">${text(item.state)}</span></h2>
${error}
${verdictTable(verdictRows(item))}
${list("Accounts that must exist at the destination", item.owners)}
${list("Left to do at the destination", item.todo)}
${list("Notes", item.notes)}
${list("Listed by name, in the migration's folder", item.lists)}
${profileTable(item)}
${stepTable(item)}
</section>`;
}

function verdictTable(rows: { name: string; counts: VerdictCounts }[]): string {
  if (rows.length === 0) return "<p>Nothing was moved.</p>";
  const head = ["", "source", ...verdicts].map((name) => `<th>${text(name)}`).join("");
  const body = rows.map(({ name, counts }) => {
    const cells = verdicts.map((verdict) => cell(counts[verdict], verdict));
    return `<tr><th>${text(name)}${cell(sumOfVerdicts(counts), "")}${cells.join("")}`;
  });
  return `<table class="counts"><thead><tr>${head}</thead><tbody>${body.join("")}</tbody></table>`;
}

function cell(count: number, verdict: string): string {
  const bad = ["conflict", "rejected", "missing"].includes(verdict) && count > 0;
  return `<td${bad ? ' class="bad"' : ""}>${count.toLocaleString("en")}`;
}

function profileTable({ profile = [] }: ReportItem): string {
  if (profile.length === 0) return "";
  const head = accountHead.map((name) => `<th>${text(name)}`).join("");
  const rows = profile.map((account) => {
    const [step = "", ...cells] = accountRow(account);
    return `<tr><th>${text(step)}${cells.map((one) => `<td>${text(one)}`).join("")}`;
  });
  const table = `<table><thead><tr>${head}</thead><tbody>${rows.join("")}</tbody></table>`;
  return `<h3>Where the time went</h3>${table}${list("What would help", accountNotes(profile))}`;
}

function stepTable(item: ReportItem): string {
  const rows = item.steps.map(({ id, state, attempts, milliseconds }) => {
    const seconds = milliseconds === undefined ? "" : `${(milliseconds / 1000).toFixed(1)} s`;
    return `<tr><th>${text(id)}<td>${text(state)}<td>${attempts}<td>${seconds}`;
  });
  return `<details><summary>Steps</summary><table><thead><tr><th>step<th>state<th>attempts<th>time</thead><tbody>${rows.join("")}</tbody></table></details>`;
}

function list(title: string, entries: readonly string[]): string {
  if (entries.length === 0) return "";
  const lines = entries.map((entry) => `<li>${text(entry)}`).join("");
  return `<h3>${text(title)}</h3><ul>${lines}</ul>`;
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function text(value: string): string {
  return printable(value).replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c2024; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } h3 { font-size: 1rem; margin-bottom: .2rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; font-weight: normal; border-bottom: 1px solid #e4e7ea; }
thead th, .facts th { color: #5a6570; }
.counts td { text-align: right; font-variant-numeric: tabular-nums; } .counts thead th { text-align: right; }
.counts th:first-child { text-align: left; }
.state { font-size: .85rem; padding: .1rem .5rem; border-radius: .6rem; background: #e4e7ea; vertical-align: middle; }
.state.done { background: #d3f0dc; } .state.failed { background: #fbd9d7; } .state.interrupted { background: #fdeac5; }
.bad { color: #b3261e; font-weight: 600; } .error { background: #fdeceb; padding: .6rem .9rem; border-radius: .4rem; }
summary { cursor: pointer; color: #5a6570; }
`;
