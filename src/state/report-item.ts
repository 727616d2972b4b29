import type { VerdictCounts } from "../core/verdict.ts";
import { describeOutside, OutsideReference } from "../plan/outside.ts";
import { fieldOf, outcomeOf } from "./outcome.ts";
import { accountsOf, type StepAccount } from "./report-profile.ts";
import type { ItemStatus, StepStatus } from "./status.ts";

export interface ReportItem {
  id: string;
  scope: string;
  state: string;
  error: StepStatus["error"] | undefined;
  documents: Record<string, VerdictCounts>;
  files: VerdictCounts | undefined;
  /** What vanished at the source, where that was to be removed; no part of the source's counts. */
  pruned?: { documents: Pruned; files: Pruned };
  steps: Omit<StepStatus, "profile">[];
  /** Where the time went, where that was asked for. */
  profile?: StepAccount[];
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

export function reportItem(item: ItemStatus): ReportItem {
  const { documents, files } = outcomeOf(item);
  const pruned = prunedOf(item);
  const profile = accountsOf(item.steps);
  return {
    ...(pruned === undefined ? {} : { pruned }),
    ...(profile.length === 0 ? {} : { profile }),
    id: item.id,
    scope: item.scope,
    state: item.state,
    error: item.steps.find(({ error }) => error !== undefined)?.error,
    documents,
    files,
    steps: item.steps.map(({ profile: _, ...step }) => step),
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
  notes.push(...inventoryNotes(outputOf(item, "inventory")));
  const dangling = Number(fieldOf(outputOf(item, "references-verify"), "missingAtSource") ?? 0);
  if (dangling > 0) notes.push(`${dangling} files that documents name were missing at the source`);
  const changes = texts(outputOf(item, "db-backup"), "sourceChanges");
  if (changes.length > 0) notes.push(sourceChangedNote(changes));
  notes.push(...prunedNotes(prunedOf(item)));
  const restored = outputOf(item, "db-restore");
  if (fieldOf(restored, "overlapped") === true) notes.push(overlapNote);
  const differences = fieldOf(restored, "differences");
  const count = Array.isArray(differences) ? differences.length : 0;
  if (count > 0) notes.push(`${count} differences in collections that were there (report.json)`);
  return notes;
}

function inventoryNotes(inventory: unknown): string[] {
  const notes: string[] = [];
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

const overlapNote =
  "Documents were restored while others were backed up (--overlap): each collection was checked " +
  "before the first of its documents was written, the archive as a whole only at its end";

const mostChanges = 5;

function sourceChangedNote(changes: readonly string[]): string {
  const more = changes.length > mostChanges ? ` and ${changes.length - mostChanges} more` : "";
  const shown = changes.slice(0, mostChanges).join(", ");
  return `The source was written to, or restarted, while it was backed up: ${shown}${more}`;
}
