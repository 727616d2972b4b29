import { addVerdicts, noVerdicts, sumOfVerdicts, type VerdictCounts } from "../core/verdict.ts";
import type { Plan } from "../plan/plan.ts";
import { estimateAfter, estimateText } from "./estimate-after.ts";
import { type ReportItem, reportItem } from "./report-item.ts";
import type { Status } from "./status.ts";

/** What is told when a migration has ended: made from its plan and status alone. */
export interface Report {
  version: 1;
  name: string;
  application: string;
  migrationType: string;
  source: string;
  destination: string;
  state: string;
  exitCode: number | undefined;
  startedAt: string;
  finishedAt: string | undefined;
  /** One more for each re-run. */
  generation: number;
  /** How content was compared: what was hashed on both sides. */
  verify: string;
  /** False when files were moved and none of their content was compared. */
  contentVerified: boolean;
  onConflict: string;
  totals: { documents: VerdictCounts; files: VerdictCounts };
  /** How long a cut-over takes after this pass over the files. */
  cutOver?: string;
  items: ReportItem[];
}

export function makeReport(plan: Plan, status: Status): Report {
  const items = status.items.map(reportItem);
  const totals = { documents: noVerdicts(), files: noVerdicts() };
  for (const item of items) {
    for (const counts of Object.values(item.documents)) addVerdicts(totals.documents, counts);
    if (item.files) addVerdicts(totals.files, item.files);
  }
  return {
    version: 1,
    name: plan.name,
    application: plan.application.application,
    migrationType: plan.migrationType,
    source: describeSide(plan.source),
    destination: describeSide(plan.destination),
    state: status.state,
    exitCode: status.exitCode,
    startedAt: new Date(status.startedAt).toISOString(),
    finishedAt: status.finishedAt ? new Date(status.finishedAt).toISOString() : undefined,
    generation: status.generation,
    verify: verifyText(plan),
    contentVerified: plan.migrationType === "db" || plan.options.verify !== "none",
    onConflict: plan.options.onConflict,
    totals,
    ...cutOverOf(plan, status),
    items,
  };
}

function cutOverOf(plan: Plan, status: Status): Pick<Report, "cutOver"> {
  if (plan.migrationType !== "files" || status.state !== "done") return {};
  const cutOver = estimateText(estimateAfter(status, plan));
  return cutOver === undefined ? {} : { cutOver };
}

function describeSide({ dir, database }: Plan["source"]): string {
  return database === undefined ? dir : `${dir}, database ${database.database}`;
}

/** In a few words, how it ended; "verified" only where content was. */
export function headlineOf({ state, exitCode, contentVerified, items }: Report): string {
  if (state === "failed") {
    const failed = items.filter((item) => item.state === "failed").length;
    return `failed (${failed} of ${items.length} items)`;
  }
  if (state !== "done") return state;
  const verified = contentVerified ? "" : ", file content NOT verified";
  if (exitCode === 3) return `done, with findings${verified}`;
  return contentVerified ? "done and verified" : `done${verified}`;
}

function verifyText({ migrationType, options: { verify: mode } }: Plan): string {
  if (migrationType === "db") return "every document was compared byte for byte";
  if (typeof mode === "object") return `a sample of ${mode.sample * 100} % was hashed`;
  if (mode === "none") return "NO content was hashed: only sizes, times and attributes";
  return mode === "full" ? "every file was hashed" : "every file that was written was hashed";
}

/** One line for each collection, and one for the files, of an item: what the tables show. */
export function verdictRows(item: ReportItem): { name: string; counts: VerdictCounts }[] {
  const rows = Object.entries(item.documents)
    .filter(([, counts]) => sumOfVerdicts(counts) > 0)
    .map(([name, counts]) => ({ name, counts }));
  return item.files ? [...rows, { name: "(files)", counts: item.files }] : rows;
}
