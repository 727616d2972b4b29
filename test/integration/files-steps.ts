import { join } from "node:path";
import type { OwnershipMap } from "../../src/config/ownership-map.ts";
import type { Bandwidth } from "../../src/core/bandwidth.ts";
import type { ConflictPolicy } from "../../src/core/verdict.ts";
import type { FileDestination } from "../../src/files/destination.ts";
import type { Ownership } from "../../src/files/ownership.ts";
import type { Selection } from "../../src/files/selected-entries.ts";
import { takeInventory } from "../../src/files/take-inventory.ts";
import type { VerifyMode } from "../../src/plan/steps.ts";
import type { FilesContext } from "../../src/workers/context.ts";
import type { BatchLimits } from "../../src/workers/files-batches.ts";
import { compareFiles } from "../../src/workers/files-compare.ts";
import { syncFiles } from "../../src/workers/files-send.ts";
import { tarFiles } from "../../src/workers/files-tar.ts";
import { verifyFiles } from "../../src/workers/files-verify.ts";

export interface Settings {
  source: string;
  destination: string;
  work: string;
  run: string;
  selection: Selection;
  onConflict?: ConflictPolicy;
  ownership?: Ownership;
  ownershipMap?: OwnershipMap;
  verify?: VerifyMode;
  bandwidth?: Bandwidth;
  /** How `destination` is reached: as a local folder, unless said otherwise. */
  to?: FileDestination;
  retryBudget?: number;
  /** How much tar carries at once. */
  batch?: BatchLimits;
}

export const wholeTree: Selection = { kind: "tree", exclude: ["lost+found"], owned: [] };

/** Everything of a tree belongs to documents, as most of a real one does. */
export function ownedTree(...names: string[]): Selection {
  const owned = names.map((name) => ({ directory: Buffer.from(name), owned: true }));
  return { kind: "tree", exclude: ["lost+found"], owned };
}

export interface Steps {
  inventory(): ReturnType<typeof takeInventory>;
  compare(): ReturnType<typeof compareFiles>;
  sync(): ReturnType<typeof syncFiles>;
  tar(): ReturnType<typeof tarFiles>;
  verify(): ReturnType<typeof verifyFiles>;
}

export const stepNames = ["inventory", "compare", "sync", "tar", "verify"] as const;

export function stepsOf(settings: Settings, ctx: FilesContext): Steps {
  const { source, work, selection } = settings;
  const inventory = join(work, "files.sqlite");
  const item = {
    sourceDir: source,
    inventory,
    ownership: settings.ownership ?? ("preserve" as const),
    ...(settings.ownershipMap === undefined ? {} : { ownershipMap: settings.ownershipMap }),
  };
  const temporary = ".migration-unfinished";
  const { onConflict = "keep-destination", verify = "written" } = settings;
  const { signal, report } = ctx;
  return {
    inventory: () => takeInventory({ root: source, selection, file: inventory, signal, report }),
    compare: () => compareFiles({ ...item, onConflict }, ctx),
    sync: () => syncFiles({ ...item, temporary }, ctx),
    tar: () => tarFiles({ ...item, temporary }, ctx, settings.batch),
    verify: () => verifyFiles({ ...item, mode: verify }, ctx),
  };
}
