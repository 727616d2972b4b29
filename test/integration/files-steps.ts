import { join } from "node:path";
import type { ConflictPolicy } from "../../src/core/verdict.ts";
import type { Ownership } from "../../src/files/ownership.ts";
import { type Selection, takeInventory } from "../../src/files/take-inventory.ts";
import type { VerifyMode } from "../../src/plan/steps.ts";
import type { WorkerContext } from "../../src/workers/context.ts";
import { compareFiles } from "../../src/workers/files-compare.ts";
import { syncFiles } from "../../src/workers/files-sync.ts";
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
  verify?: VerifyMode;
  bandwidthLimit?: number;
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

export function stepsOf(settings: Settings, ctx: WorkerContext): Steps {
  const { source, destination, work, selection } = settings;
  const inventory = join(work, "files.sqlite");
  const item = {
    sourceDir: source,
    destinationDir: destination,
    inventory,
    ownership: settings.ownership ?? ("preserve" as const),
  };
  const temporaryDir = join(destination, ".migration-unfinished");
  const { bandwidthLimit, onConflict = "keep-destination", verify = "written" } = settings;
  const limit = bandwidthLimit === undefined ? {} : { bandwidthLimit };
  const { signal, report } = ctx;
  return {
    inventory: () => takeInventory({ root: source, selection, file: inventory, signal, report }),
    compare: () => compareFiles({ ...item, onConflict }, ctx),
    sync: () => syncFiles({ ...item, temporaryDir, ...limit }, ctx),
    tar: () => tarFiles({ ...item, temporaryDir }, ctx),
    verify: () => verifyFiles({ ...item, mode: verify }, ctx),
  };
}
