import type { MigrationType, PlanOptions, Step } from "./plan.ts";

/** What of a request decides on the steps of its items. */
export interface StepsRequest {
  migrationType: MigrationType;
  options: Pick<PlanOptions, "onConflict" | "prune" | "overlap">;
}

/** A step that waits for the one in front of it, unless it says for which. */
type Link = Omit<Step, "after"> & Partial<Pick<Step, "after">>;

/** The steps of an item, in an order in which they could all be done one after another. */
export function stepsOf({ migrationType, options }: StepsRequest): Step[] {
  const end = [...pruning(migrationType, options), step("after")];
  const start = step("preflight");
  if (migrationType === "files") {
    return inTurn([start, ...filesPass(1), step("files-verify", 1), ...end]);
  }
  const middle = migrationType === "db" ? documentsAlone(options) : filesAndDocuments(options);
  return inTurn([start, ...middle, step("references-verify"), ...end]);
}

function documentsAlone({ overlap }: StepsRequest["options"]): Link[] {
  return [
    step("inventory", 1),
    step("db-backup"),
    ...restoring({ overlap, afterwards: "inventory" }),
  ];
}

/**
 * The backup runs beside the first pass over the files: neither touches what the other works on.
 * The second pass waits for both, so that it brings the files of all documents in the backup.
 */
function filesAndDocuments({ onConflict, overlap }: StepsRequest["options"]): Link[] {
  const [inventory, ...firstPass] = filesPass(1);
  const [inventoryAgain, ...secondPass] = filesPass(2);
  const looking = [inventory, ...(onConflict === "fail" ? [step("db-compare")] : [])];
  const looked = looking.at(-1)?.id ?? "";
  const copied = firstPass.at(-1)?.id ?? "";
  return [
    ...looking,
    ...firstPass,
    { ...step("db-backup"), after: [looked] },
    { ...inventoryAgain, after: overlap ? [copied] : [copied, "db-backup"] },
    ...secondPass,
    step("files-verify", 2),
    ...restoring({ overlap, afterwards: "files-verify" }),
  ];
}

/** With `overlap` documents are restored while others are still backed up. */
function restoring({ overlap, afterwards }: { overlap: true | undefined; afterwards: string }) {
  if (overlap === undefined) return [step("db-restore"), step("db-verify")];
  return [
    { ...step("db-restore"), after: [afterwards], beside: "db-backup" },
    { ...step("db-verify"), after: ["db-backup", "db-restore"] },
  ];
}

/** Last of all, and documents before the files that they name. */
function pruning(type: MigrationType, { prune }: StepsRequest["options"]): Link[] {
  if (prune !== true) return [];
  const documents = step("db-prune");
  const files = step("files-prune", type === "full" ? 2 : 1);
  if (type === "db") return [documents];
  return type === "files" ? [files] : [documents, files];
}

/** One pass over the files; the second one takes what changed while the first one ran. */
function filesPass(pass: number): [Link, ...Link[]] {
  const named = (kind: Step["kind"]) => ({
    ...step(kind, pass),
    id: pass === 1 ? kind : `${kind}-${pass}`,
  });
  return [named("inventory"), named("files-compare"), named("files-sync"), named("files-tar")];
}

function step(kind: Step["kind"], pass?: number): Link {
  return { id: kind, kind, ...(pass === undefined ? {} : { pass }) };
}

function inTurn(links: readonly Link[]): Step[] {
  return links.map(({ id, kind, after, ...rest }, index) => {
    const before = links[index - 1];
    const inFront = before === undefined ? [] : [before.id];
    return { id, kind, after: after ?? inFront, ...rest };
  });
}
