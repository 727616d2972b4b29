import type { FileRecord } from "../core/ledger.ts";
import { type FileEntry, sameState, sameTarget } from "../files/entry.ts";
import { brokenPromises, promised } from "../files/ownership.ts";
import { type Case, type Decision, outcome, type Rules, sent } from "./files-decision.ts";

/** What becomes of an entry where the destination has something that is not ours. */
export function decideForeign(found: Case, there: FileEntry, rules: Rules): Decision | "content" {
  const { entry, record, hashes } = found;
  const changed = record?.ours ? ", and was changed since it was written by a migration" : "";
  if (entry.type !== there.type) {
    return conflict(found, there, { reason: `another type is there (${there.type})`, rules });
  }
  const differ = brokenPromises(promised(entry, rules), there).length > 0;
  const identical = outcome({ verdict: "identical", before: there, attributesDiffer: differ });
  if (entry.type === "l") {
    if (sameTarget(entry, there)) return identical;
    return conflict(found, there, { reason: `the link points elsewhere${changed}`, rules });
  }
  if (entry.type !== "f") return identical;
  if (entry.size !== there.size) {
    return conflict(found, there, { reason: `the size differs${changed}`, rules });
  }
  if (record !== undefined && knownAsIdentical(entry, record, there)) return identical;
  if (hashes === undefined) return "content";
  if (hashes.source.equals(hashes.destination)) {
    return { ...identical, ours: record?.ours ?? false, remember: true };
  }
  return conflict(found, there, { reason: `the content differs${changed}`, rules });
}

function knownAsIdentical(entry: FileEntry, record: FileRecord, there: FileEntry): boolean {
  if (record.ours || record.state !== "written") return false;
  return (
    record.sourceCtimeNs === entry.ctimeNs &&
    record.destinationCtimeNs === there.ctimeNs &&
    sameState(record, there)
  );
}

function conflict(
  { entry }: Case,
  there: FileEntry,
  { reason, rules }: { reason: string; rules: Rules },
): Decision {
  const newer = rules.onConflict === "newest" && entry.mtimeNs > there.mtimeNs;
  const wanted = rules.onConflict === "overwrite" || newer;
  const possible = entry.owned && entry.type !== "d" && there.type !== "d";
  if (!wanted || !possible) return outcome({ verdict: "conflict", reason, before: there });
  const overwritten = { ...sent("conflict", there), reason: `${reason}; it is overwritten` };
  return { ...overwritten, force: sameState(entry, there) };
}
