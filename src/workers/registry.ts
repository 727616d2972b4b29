import type { StepInputs, StepKind } from "../plan/steps.ts";
import { clearAfter } from "./after.ts";
import type { FilesContext } from "./context.ts";
import { backupDatabase } from "./db-backup.ts";
import { compareDatabase } from "./db-compare.ts";
import { pruneDatabase } from "./db-prune.ts";
import { restoreDatabase } from "./db-restore.ts";
import { verifyDatabase } from "./db-verify.ts";
import { pruneFiles } from "./files-prune.ts";
import { syncFiles } from "./files-send.ts";
import { compareAndRequireSpace } from "./files-space.ts";
import { tarFiles } from "./files-tar.ts";
import { verifyFiles } from "./files-verify.ts";
import { takeItemInventory } from "./inventory.ts";
import { preflight } from "./preflight.ts";
import { verifyReferences } from "./references-verify.ts";

/** Does one step; throws when it failed. What it returns is kept in the status. */
export type Worker<K extends StepKind> = (
  input: StepInputs[K],
  context: FilesContext,
) => Promise<unknown>;

/** The only list of workers: a new kind of step is one line here. */
export const workers: { [K in StepKind]: Worker<K> } = {
  preflight,
  inventory: takeItemInventory,
  "db-compare": compareDatabase,
  "files-compare": compareAndRequireSpace,
  "files-sync": syncFiles,
  "files-tar": tarFiles,
  "db-backup": backupDatabase,
  "files-verify": verifyFiles,
  "db-restore": restoreDatabase,
  "db-verify": verifyDatabase,
  "references-verify": verifyReferences,
  "db-prune": pruneDatabase,
  "files-prune": pruneFiles,
  after: clearAfter,
};
