import type { FileRecord } from "../core/ledger.ts";
import { type FileEntry, isRoot, sameState, sameTarget } from "../files/entry.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { brokenPromises, promised } from "../files/ownership.ts";
import { longestRsyncPath } from "../files/rsync.ts";
import { decideForeign } from "./files-decide-foreign.ts";
import { type Case, type Decision, outcome, type Rules, sent } from "./files-decision.ts";

/** What becomes of an entry; "content" asks for both hashes and to be called again. */
export function decide(found: Case, rules: Rules): Decision | "content" {
  const { entry, look } = found;
  const obstacle = whyNotCarried(entry, rules);
  if (obstacle !== undefined) return outcome({ verdict: "rejected", reason: obstacle });
  if (look.state === "blocked") return outcome({ verdict: "conflict", reason: look.reason });
  if (look.state === "absent") return sent("migrated", undefined);
  const there = look.entry;
  if (entry.type === "d" && there.type === "d") return decideFolder(found, there, rules);
  const ours = stillOurs(found, there, rules.run);
  if (ours === "content") return ours;
  return ours ? decideOurs(found, there, rules) : decideForeign(found, there, rules);
}

function whyNotCarried(entry: InventoryEntry, rules: Rules): string | undefined {
  if (entry.unreadable !== undefined) return entry.unreadable;
  if (entry.path.length > longestRsyncPath) {
    return `its path has ${entry.path.length} bytes, more than the ${longestRsyncPath} that are carried`;
  }
  if (entry.type === "s") return "a socket lives only as long as the program that made it";
  if (!["p", "c", "b"].includes(entry.type)) return undefined;
  if (rules.ownership === "inherit") return 'the ownership mode "inherit" carries no special files';
  if (entry.type !== "p" && !rules.devices) return "making a device needs the capability MKNOD";
  return undefined;
}

function decideFolder({ entry, record }: Case, there: FileEntry, rules: Rules): Decision {
  if (isRoot(entry.path) && rules.rootIsFree && !entry.parent) return sent("migrated", there);
  const wanted = promised(entry, rules);
  if (record?.ours && record.state === "intended") {
    return sent(record.previous === undefined ? "migrated" : "updated", there);
  }
  const { mode, uid, gid } = there;
  if (!record?.ours || mode !== record.mode || uid !== record.uid || gid !== record.gid) {
    const differ = brokenPromises({ ...wanted, mtimeNs: there.mtimeNs }, there).length > 0;
    return outcome({ verdict: "identical", before: there, attributesDiffer: differ });
  }
  if (entry.ctimeNs === record.sourceCtimeNs) {
    if (isOtherwiseOwned(entry, there, record, rules)) return sent("updated", there);
    return settled(entry, there, record, rules);
  }
  const before = { ...there, mtimeNs: record.mtimeNs };
  if (brokenPromises(wanted, before).length > 0) return sent("updated", there);
  return { ...settled(entry, there, record, rules), remember: true };
}

/** Whether what is there is what we wrote, or were about to write when we were stopped. */
function stillOurs(
  { entry, record, hashes }: Case,
  there: FileEntry,
  run: string,
): boolean | "content" {
  if (!record?.ours || record.type !== there.type) return false;
  const asRecorded = sameState(record, there);
  if (record.state === "intended") return asRecorded || isPending({ entry, record, there }, run);
  if (!asRecorded) return false;
  if (record.destinationCtimeNs === there.ctimeNs) return true;
  if (there.type === "l") return sameTarget(entry, there);
  if (there.type !== "f") return true;
  if (hashes === undefined) return "content";
  return hashes.destination.equals(record.hash ?? hashes.source);
}

/**
 * An unfinished intent: nothing was replaced yet, or the source changed after this run's intent, so
 * that a copy of any of its states may be there.
 */
export function isPending(
  { entry, record, there }: { entry: FileEntry; record: FileRecord; there: FileEntry },
  run: string,
): boolean {
  const { previous } = record;
  const replacedNothing =
    previous !== undefined &&
    sameState(previous, there) &&
    previous.destinationCtimeNs === there.ctimeNs;
  return replacedNothing || (record.run === run && !sourceAsRecorded(entry, record));
}

function decideOurs(found: Case, there: FileEntry, rules: Rules): Decision | "content" {
  const { entry, record, hashes } = found;
  if (record === undefined) return decideForeign(found, there, rules);
  if (record.state === "intended") return decideUnfinished(found, record, there);
  if (sourceAsRecorded(entry, record)) {
    if (isOtherwiseOwned(entry, there, record, rules)) return sent("updated", there);
    const remember = record.destinationCtimeNs !== there.ctimeNs;
    return { ...settled(entry, there, record, rules), remember };
  }
  const changed = { ...sent("updated", there), force: sameState(entry, there) };
  if (!sameState(entry, record) || !sameTarget(entry, there)) return changed;
  if (entry.type === "f" && hashes === undefined) return "content";
  if (hashes !== undefined && !hashes.source.equals(hashes.destination)) return changed;
  if (brokenPromises(promised(entry, rules), there).length > 0) {
    return sent("updated", there);
  }
  // Extended attributes and ACLs may be what changed: rsync finds out, and sends no content.
  return { ...settled(entry, there, record, rules), send: "refresh" };
}

/** Nothing changed but what is to become of owners; what somebody gave away there stays so. */
function isOtherwiseOwned(
  entry: InventoryEntry,
  there: FileEntry,
  record: FileRecord,
  rules: Rules,
): boolean {
  if (there.uid !== record.uid || there.gid !== record.gid) return false;
  const { uid = there.uid, gid = there.gid } = promised(entry, rules);
  return uid !== there.uid || gid !== there.gid;
}

/** We were stopped between the intent and the look afterwards. */
function decideUnfinished(
  { entry, hashes }: Case,
  record: FileRecord,
  there: FileEntry,
): Decision | "content" {
  const verdict = entry.verdict ?? (record.previous === undefined ? "migrated" : "updated");
  const looksSame = entry.type === "f" && sameState(entry, there);
  if (!looksSame) return sent(verdict, there);
  if (hashes === undefined) return "content";
  return { ...sent(verdict, there), force: !hashes.source.equals(hashes.destination) };
}

/** Ours, and nothing changed: what this very run wrote keeps its verdict when it is looked at again. */
function settled(
  entry: InventoryEntry,
  there: FileEntry,
  record: FileRecord,
  rules: Rules,
): Decision {
  const written = entry.verdict ?? (record.previous === undefined ? "migrated" : "updated");
  const verdict = record.run === rules.run ? written : "identical";
  return outcome({ verdict, before: there, ours: true });
}

function sourceAsRecorded(entry: FileEntry, record: FileRecord): boolean {
  return sameState(entry, record) && entry.ctimeNs === record.sourceCtimeNs;
}
