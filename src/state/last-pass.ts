import type { StepKind } from "../plan/steps.ts";
import { fieldOf } from "./outcome.ts";
import type { ItemStatus, Status, StepStatus } from "./status.ts";

/** How much was done in how many seconds. */
export interface Rate {
  amount: number;
  seconds: number;
}

/** The newest step of a kind that an item has done. */
export function lastDone({ steps }: ItemStatus, kind: StepKind): StepStatus | undefined {
  return steps.findLast((step) => step.kind === kind && step.state === "done");
}

export function secondsOf({ milliseconds }: StepStatus): number {
  return (milliseconds ?? 0) / 1000;
}

/** A number of what the newest finished step of a kind told. */
export function toldBy(item: ItemStatus, kind: StepKind, ...path: string[]): number | undefined {
  return numberAt(lastDone(item, kind)?.output, path);
}

/** All documents of an item: as they were backed up, else as they were counted. */
export function documentsOf(item: ItemStatus): number | undefined {
  const backedUp = toldBy(item, "db-backup", "documents");
  if (backedUp !== undefined) return backedUp;
  return countedIn(item, () => true);
}

/** Documents of some collections of an item, as they were counted. */
export function countedIn(
  item: ItemStatus,
  isMeant: (collection: string) => boolean,
): number | undefined {
  const counts = fieldOf(lastDone(item, "inventory")?.output, "documents");
  if (typeof counts !== "object" || counts === null) return undefined;
  return Object.entries(counts).reduce(
    (sum, [name, count]) => sum + (isMeant(name) ? Number(count) : 0),
    0,
  );
}

/** Bytes of files that are still to be sent; undefined where the pass did not come to know them. */
export function bytesLeft(item: ItemStatus, kind: "files-sync" | "files-tar"): number | undefined {
  const step = item.steps.find((one) => one.kind === kind);
  if (step === undefined) return undefined;
  if (step.state === "done") return 0;
  const { done = 0, total } = step.progress?.bytes ?? {};
  if (total !== undefined) return Math.max(0, total - done);
  // One of the two sends each file: all of them are counted with the first.
  return kind === "files-tar" ? 0 : toldBy(item, "inventory", "files", "bytes");
}

/** How fast files were sent and hashed, and documents worked on, by all items together. */
export function rateOf(status: Status, kinds: readonly StepKind[], field: string): Rate {
  const rate = { amount: 0, seconds: 0 };
  for (const item of status.items) {
    for (const step of item.steps) {
      if (!kinds.some((kind) => kind === step.kind) || step.state !== "done") continue;
      const amount =
        field === "documents" ? documentsOf(item) : numberAt(step.output, field.split("."));
      if (!amount) continue;
      rate.amount += amount;
      rate.seconds += secondsOf(step);
    }
  }
  return rate;
}

function numberAt(value: unknown, path: readonly string[]): number | undefined {
  const found = path.reduce(fieldOf, value);
  return typeof found === "number" ? found : undefined;
}
