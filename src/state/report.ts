import { addVerdicts, noVerdicts, sumOfVerdicts, type VerdictCounts } from "../core/verdict.ts";
import { describeOutside, OutsideReference } from "../plan/outside.ts";
import type { Plan } from "../plan/plan.ts";
import { fieldOf, outcomeOf } from "./outcome.ts";
import type { ItemStatus, Status, StepStatus } from "./status.ts";

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
  items: ReportItem[];
}

export interface ReportItem {
  id: string;
  scope: string;
  state: string;
  error: StepStatus["error"] | undefined;
  documents: Record<string, VerdictCounts>;
  files: VerdictCounts | undefined;
  /** What vanished at the source, where that was to be removed; no part of the source's counts. */
  pruned?: { documents: Pruned; files: Pruned };
  steps: StepStatus[];
  /** Accounts that must exist at the destination. */
  owners: string[];
  /** What is left for people to do at the destination. */
  todo: string[];
  notes: string[];
  /** Where what is not as it should be is listed by name, within the migration's folder. */
  lists: string[];
}

interface Pruned {
  removed: number;
  kept: number;
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
    items,
  };
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

function reportItem(item: ItemStatus): ReportItem {
  const { documents, files } = outcomeOf(item);
  const pruned = prunedOf(item);
  return {
    ...(pruned === undefined ? {} : { pruned }),
    id: item.id,
    scope: item.scope,
    state: item.state,
    error: item.steps.find(({ error }) => error !== undefined)?.error,
    documents,
    files,
    steps: item.steps,
    owners: texts(outputOf(item, "inventory"), "owners"),
    todo: texts(outputOf(item, "after"), "todo"),
    notes: notesOf(item),
    lists: [...listsOf(item.id, documents, files), ...pruneLists(item.id, pruned)],
  };
}

function prunedOf(item: ItemStatus): ReportItem["pruned"] {
  const [documents, files] = ["db-prune", "files-prune"].map((kind) => outputOf(item, kind));
  if (documents === undefined && files === undefined) return undefined;
  return { documents: prunedIn(documents), files: prunedIn(files) };
}

function prunedIn(output: unknown): Pruned {
  const [removed, kept] = ["removed", "kept"].map((name) => Number(fieldOf(output, name) ?? 0));
  return { removed: removed ?? 0, kept: kept ?? 0 };
}

function pruneLists(id: string, pruned: ReportItem["pruned"]): string[] {
  return Object.entries(pruned ?? {}).flatMap(([part, { removed, kept }]) => [
    ...(removed > 0 ? [`prune/${id}/${part}.ndjson`] : []),
    ...(kept > 0 ? [`prune/${id}/${part}-kept.ndjson`] : []),
  ]);
}

function listsOf(
  id: string,
  documents: Record<string, VerdictCounts>,
  files: VerdictCounts | undefined,
): string[] {
  const all = Object.values(documents);
  const lists: string[] = [];
  if (all.some(({ conflict }) => conflict > 0)) lists.push(`db/${id}/conflicts.ndjson`);
  if (all.some(({ rejected }) => rejected > 0)) lists.push(`db/${id}/rejected.ndjson`);
  if (files && files.conflict + files.rejected + files.missing > 0) {
    lists.push(`inventory/${id}/files-conflicts.ndjson`);
  }
  return lists;
}

function outputOf(item: ItemStatus, kind: string): unknown {
  return item.steps.findLast((step) => step.kind === kind && step.output !== undefined)?.output;
}

function texts(output: unknown, name: string): string[] {
  const list = fieldOf(output, name);
  return Array.isArray(list) ? list.map(String) : [];
}

/** What an operator should know although nothing failed. */
function notesOf(item: ItemStatus): string[] {
  const notes = texts(outputOf(item, "preflight"), "warnings");
  const inventory = outputOf(item, "inventory");
  const missing = Number(fieldOf(fieldOf(inventory, "missing"), "count") ?? 0);
  if (missing > 0) notes.push(`${missing} paths that documents name are not at the source`);
  const unsafe = Number(fieldOf(fieldOf(inventory, "unsafe"), "count") ?? 0);
  if (unsafe > 0) notes.push(`${unsafe} documents whose id or owner cannot be a name in a path`);
  const outside = fieldOf(inventory, "outside");
  for (const reference of Array.isArray(outside) ? outside : []) {
    const parsed = OutsideReference.safeParse(reference);
    if (parsed.success) notes.push(describeOutside(parsed.data));
  }
  const leftOut = texts(inventory, "leftOut");
  if (leftOut.length > 0) notes.push(`Left out as the application says: ${leftOut.join(", ")}`);
  const dangling = Number(fieldOf(outputOf(item, "references-verify"), "missingAtSource") ?? 0);
  if (dangling > 0) notes.push(`${dangling} files that documents name were missing at the source`);
  const changes = texts(outputOf(item, "db-backup"), "sourceChanges");
  if (changes.length > 0) notes.push(sourceChangedNote(changes));
  notes.push(...prunedNotes(prunedOf(item)));
  const differences = fieldOf(outputOf(item, "db-restore"), "differences");
  const count = Array.isArray(differences) ? differences.length : 0;
  if (count > 0) notes.push(`${count} differences in collections that were there (report.json)`);
  return notes;
}

function prunedNotes(pruned: ReportItem["pruned"]): string[] {
  if (pruned === undefined) return [];
  const { documents, files } = pruned;
  const removed = `${documents.removed} documents and ${files.removed} files`;
  const kept = `${documents.kept} documents and ${files.kept} files`;
  return [
    `${removed} that vanished at the source were removed at the destination`,
    ...(documents.kept + files.kept > 0 ? [`${kept} that vanished at the source are kept`] : []),
  ];
}

const mostChanges = 5;

function sourceChangedNote(changes: readonly string[]): string {
  const more = changes.length > mostChanges ? ` and ${changes.length - mostChanges} more` : "";
  const shown = changes.slice(0, mostChanges).join(", ");
  return `The source was written to, or restarted, while it was backed up: ${shown}${more}`;
}

/** One line for each collection, and one for the files, of an item: what the tables show. */
export function verdictRows(item: ReportItem): { name: string; counts: VerdictCounts }[] {
  const rows = Object.entries(item.documents)
    .filter(([, counts]) => sumOfVerdicts(counts) > 0)
    .map(([name, counts]) => ({ name, counts }));
  return item.files ? [...rows, { name: "(files)", counts: item.files }] : rows;
}
