import { failpoint } from "../core/failpoints.ts";
import type { FileIntent, FileRecord } from "../core/ledger.ts";
import { type FileEntry, rootPath, sameState } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import type { InventoryEntry, Outcome } from "../files/inventory-entry.ts";
import { isPending } from "./files-decide.ts";
import type { SendSession } from "./files-session.ts";

/**
 * Looks at the destination once more and records what is about to be written; returns the entries
 * that may be. What appeared or changed there since the comparison becomes a conflict.
 */
export async function intendAll(
  page: readonly InventoryEntry[],
  { inventory, source, destination, ctx }: SendSession,
): Promise<InventoryEntry[]> {
  if (page.length === 0) return [];
  const paths = page.map(({ path }) => path);
  const looks = await destination.look(paths);
  const [root] = await source.look([rootPath]);
  const known = ctx.ledger.files.getAll(paths);
  const cleared: InventoryEntry[] = [];
  const intents: { path: Buffer; record: FileRecord; intent: FileIntent }[] = [];
  const late: { path: Buffer; outcome: Partial<Outcome> }[] = [];
  for (const [at, entry] of page.entries()) {
    const look = looks[at] ?? { state: "absent" };
    const record = known[at];
    const reason = whyNotNow(entry, look, record?.run === ctx.run ? record : undefined);
    if (reason !== undefined) {
      const outcome: Partial<Outcome> = { reason, send: "no", ours: false };
      if (entry.send === "data")
        late.push({ path: entry.path, outcome: conflictAt(look, outcome) });
      continue;
    }
    cleared.push(entry);
    const isIntended = record?.run === ctx.run && record.state === "intended";
    if (entry.send !== "data" || isIntended) continue;
    const otherVolume = root?.state === "here" && entry.dev !== root.entry.dev;
    // Only what is somebody else's is a conflict.
    const overwrites = entry.verdict === "conflict";
    intents.push({
      ...{ path: entry.path, record: intentOf(entry, look, ctx.run) },
      intent: { overwrites, otherVolume },
    });
  }
  failpoint("files.beforeIntend");
  inventory.update(late);
  ctx.ledger.files.put(intents);
  failpoint("files.afterIntend");
  return cleared;
}

function conflictAt(look: Look, outcome: Partial<Outcome>): Partial<Outcome> {
  const before = look.state === "here" ? { before: look.entry } : {};
  return { ...outcome, ...before, verdict: "conflict" };
}

function whyNotNow(
  entry: InventoryEntry,
  look: Look,
  record: FileRecord | undefined,
): string | undefined {
  if (look.state === "blocked") return look.reason;
  if (look.state === "absent") {
    return entry.send === "refresh" ? "it vanished since the comparison" : undefined;
  }
  const there = look.entry;
  if (entry.type === "d" || entry.send === "refresh") {
    return there.type === entry.type ? undefined : `another type is there now (${there.type})`;
  }
  if (isAsCompared(entry, there) || isOurUnfinished(entry, there, record)) return undefined;
  const verb = entry.before === undefined ? "appeared" : "changed";
  return `it ${verb} since the comparison`;
}

function isAsCompared({ before }: InventoryEntry, there: FileEntry): boolean {
  return before !== undefined && sameState(before, there) && before.ctimeNs === there.ctimeNs;
}

function isOurUnfinished(
  entry: InventoryEntry,
  there: FileEntry,
  record: FileRecord | undefined,
): boolean {
  if (record === undefined || there.type !== record.type) return false;
  // Recorded as written, and stopped before the inventory knew it.
  if (record.state === "written") {
    return sameState(record, there) && record.destinationCtimeNs === there.ctimeNs;
  }
  return sameState(record, there) || isPending({ entry, record, there }, record.run);
}

function intentOf(entry: InventoryEntry, look: Look, run: string): FileRecord {
  return {
    ...attributesOf(entry),
    sourceCtimeNs: entry.ctimeNs,
    destinationCtimeNs: 0n,
    ours: true,
    run,
    state: "intended",
    // What is overwritten in a conflict was never ours: it must not be taken for it later.
    ...(look.state === "here" && entry.verdict === "updated"
      ? { previous: stateOf(look.entry) }
      : {}),
  };
}

function attributesOf({ type, size, mtimeNs, mode, uid, gid }: FileEntry) {
  return { type, size, mtimeNs, mode, uid, gid };
}

function stateOf({ size, mtimeNs, ctimeNs }: FileEntry) {
  return { size, mtimeNs, destinationCtimeNs: ctimeNs };
}

/** The record of what is really there after the copy. */
export function writtenRecord(
  entry: InventoryEntry,
  there: FileEntry,
  { intent, run }: { intent: FileRecord | undefined; run: string },
): FileRecord {
  const previous = intent?.previous;
  return {
    ...attributesOf(there),
    // A folder's own times move with every name in it: what counts is the source's when it was sent.
    mtimeNs: entry.type === "d" ? entry.mtimeNs : there.mtimeNs,
    sourceCtimeNs: entry.ctimeNs,
    destinationCtimeNs: there.ctimeNs,
    ours: true,
    run: entry.send === "refresh" ? (intent?.run ?? run) : run,
    state: "written",
    ...(previous === undefined ? {} : { previous }),
    ...(entry.send === "refresh" && intent?.hash !== undefined ? { hash: intent.hash } : {}),
  };
}

/** Gives back the record that an intent replaced: nothing was written. */
export function recordBefore(intent: FileRecord): FileRecord | undefined {
  const { previous, hash: _, ...rest } = intent;
  if (previous === undefined) return undefined;
  return { ...rest, ...previous, state: "written", sourceCtimeNs: 0n };
}
