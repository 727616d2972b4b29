import { failpointRules, type Pass } from "./failpoint-rules.ts";

/**
 * Every place where a fault may be put in, for tests that kill the program or let an operation fail
 * exactly there. "after" means: done, and nothing else was done yet.
 */
export const failpoints = [
  ...["atomic.beforeRename", "atomic.afterRename"],
  ...["state.beforeWrite", "state.afterWrite", "state.beforeProgress"],
  ...["journal.afterWrite", "journal.afterSync"],
  ...["lock.beforeMake", "lock.afterMake", "lock.beforeWrite", "lock.afterWrite"],
  ...["claim.beforeMake", "claim.afterMake", "claim.beforeRemove", "claim.afterRemove"],
  ...["ledger.beforeMake", "ledger.afterMake", "ledger.beforeCommit", "ledger.afterCommit"],
  ...["ledger.beforeCompletion", "ledger.afterCompletion"],
  ...["step.beforeWork", "step.afterWork", "report.beforeWrite", "report.afterWrite"],
  ...["inventory.afterMake", "inventory.beforeCommit", "inventory.afterCommit"],
  ...["files.afterCompare", "files.beforeIntend", "files.afterIntend"],
  ...["files.beforeConfirm", "files.afterConfirm", "files.beforeSync", "files.afterSync"],
  ...["files.afterVerify", "list.beforeRename", "list.afterRename"],
  ...["temporary.afterMake", "temporary.beforeRemove", "temporary.afterRemove"],
  ...["rsync.beforeRun", "rsync.afterRun"],
  ...["tar.beforeRun", "tar.afterPiece", "tar.afterRun", "place.beforeMove", "place.afterMove"],
  ...["archive.afterMake", "archive.beforeWrite", "archive.afterBatch", "archive.afterEntry"],
  ...["archive.beforeSeal", "archive.afterSeal", "archive.beforeRename", "archive.afterRename"],
  ...["collection.beforeMake", "collection.afterMake", "index.beforeBuild", "index.afterBuild"],
  ...["restore.beforeBatch", "restore.afterIntend", "restore.afterInsert", "restore.afterBatch"],
  ...["restore.beforeReplace", "restore.afterReplace"],
  ...["restore.beforeCheckpoint", "restore.afterCheckpoint"],
  ...["findings.beforeWrite", "findings.afterWrite", "findings.beforePrune"],
  ...["verify.afterBatch", "verify.beforeStructure", "references.afterBatch"],
  ...["prune.afterList", "remove.beforeFile", "remove.afterFile"],
  ...["remove.beforeDocument", "remove.afterDocument"],
  ...["remove.beforeCollection", "remove.afterCollection", "undo.beforeAside", "undo.afterAside"],
  ...["after.beforeClear", "after.afterClear"],
] as const;

export type Failpoint = (typeof failpoints)[number];

/** Put in by tools/bundle.ts: what is delivered has no failpoints. */
declare const withoutFailpoints: boolean | undefined;

/** The variables that put faults in. */
export const failpointVariables: readonly string[] =
  typeof withoutFailpoints === "undefined"
    ? ["MIGCTL_ENABLE_FAILPOINTS", "MIGCTL_FAILPOINTS", "MIGCTL_FAILPOINTS_TRACE"]
    : [];

let pass: Pass | undefined;

/** Does here what a test asked for: nothing, without one. */
export function failpoint(name: Failpoint) {
  if (typeof withoutFailpoints !== "undefined") return;
  pass?.(name);
}

/** Takes the faults of `MIGCTL_FAILPOINTS` in, where `MIGCTL_ENABLE_FAILPOINTS` allows any. */
export function armFailpoints(env: Readonly<Record<string, string | undefined>>) {
  if (typeof withoutFailpoints !== "undefined") return;
  if (env["MIGCTL_ENABLE_FAILPOINTS"] !== "1") return;
  pass = failpointRules(env, failpoints);
}
