import type { FileRecord } from "../core/ledger.ts";
import { type FileEntry, printablePath } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import type { InventoryEntry, Outcome } from "../files/inventory-entry.ts";
import { brokenPromises, type Ownership, promised } from "../files/ownership.ts";
import { sameState, sameTarget } from "./files-decide.ts";
import { recordBefore, writtenRecord } from "./files-intents.ts";
import type { SendSession } from "./files-session.ts";

interface Sent {
  entry: InventoryEntry;
  there: Look;
  /** The source as it is now. */
  source: Look;
  intent: FileRecord | undefined;
}

type Result =
  | { outcome: Partial<Outcome>; record: FileRecord }
  | { outcome: Partial<Outcome>; forget: FileRecord | undefined };

/**
 * Looks at what was sent: what is there is recorded as written, what is not gets the reason that
 * the sending program gave for it.
 */
export async function confirmAll(
  page: readonly InventoryEntry[],
  session: SendSession,
  reasonFor: (path: Buffer) => string | undefined,
) {
  const { inventory, destination, source, ctx, input } = session;
  const paths = page.map(({ path }) => path);
  const [looks, sources] = await Promise.all([destination.look(paths), source.look(paths)]);
  const changes: { path: Buffer; outcome: Partial<Outcome> }[] = [];
  const records: { path: Buffer; record: FileRecord }[] = [];
  const forgotten: Buffer[] = [];
  for (const [at, entry] of page.entries()) {
    const sent: Sent = {
      entry,
      there: looks[at] ?? { state: "absent" },
      source: sources[at] ?? { state: "absent" },
      intent: ctx.ledger.files.get(entry.path),
    };
    const result = judge(sent, { run: ctx.run, ownership: input.ownership, reasonFor });
    if (result === undefined) continue;
    const { path } = entry;
    changes.push({ path, outcome: result.outcome });
    const record = "record" in result ? result.record : result.forget;
    if (record === undefined) forgotten.push(path);
    else records.push({ path, record });
    if (result.outcome.verdict === "rejected") {
      ctx.log.warn({ ...printablePath(path), reason: result.outcome.reason }, "File not carried");
    }
  }
  ctx.ledger.files.put(records);
  ctx.ledger.files.forget(forgotten);
  inventory.update(changes);
}

interface Judging {
  run: string;
  ownership: Ownership;
  reasonFor: (path: Buffer) => string | undefined;
}

function judge(sent: Sent, { run, ownership, reasonFor }: Judging): Result | undefined {
  const { entry, there, source, intent } = sent;
  if (there.state === "here" && isThere(entry, there.entry, source)) {
    const record = writtenRecord(entry, there.entry, { intent, run });
    const broken = brokenHere(sent, there.entry, ownership);
    if (broken.length === 0) return { outcome: { done: true }, record };
    if (entry.send === "refresh") return undefined;
    const reason = reasonFor(entry.path) ?? `it is there, but not with its ${broken.join(", ")}`;
    return { outcome: { verdict: "rejected", reason, done: true }, record };
  }
  if (entry.send === "refresh") return undefined;
  const forget = intent === undefined ? undefined : recordBefore(intent);
  if (source.state === "absent") {
    const reason = "it vanished from the source before it was copied";
    return { outcome: { verdict: "missing", reason, ours: false }, forget };
  }
  const reason = reasonFor(entry.path) ?? "it is not at the destination after the copy";
  return { outcome: { verdict: "rejected", reason, ours: false }, forget };
}

/** As the inventory or the source's present state has it; or any new state of a changing source. */
function isThere(entry: InventoryEntry, there: FileEntry, source: Look): boolean {
  if (there.type !== entry.type) return false;
  if (entry.type === "l") return sameTarget(entry, there) || isNew(entry, there);
  if (entry.type !== "f") return true;
  if (sameState(entry, there)) return !entry.force || isNew(entry, there);
  if (source.state !== "here") return isNew(entry, there);
  return source.entry.ctimeNs !== entry.ctimeNs && isNew(entry, there);
}

function isNew({ before }: InventoryEntry, there: FileEntry): boolean {
  return before === undefined || before.ctimeNs !== there.ctimeNs;
}

const attributeNames = { mode: "mode", uid: "owner", gid: "group", mtimeNs: "time" } as const;

function brokenHere({ entry, source }: Sent, there: FileEntry, ownership: Ownership): string[] {
  if (source.state !== "here" || source.entry.ctimeNs !== entry.ctimeNs) return [];
  const { mtimeNs, ...wanted } = promised(entry, ownership);
  const withTime = entry.type === "d" || mtimeNs === undefined ? wanted : { ...wanted, mtimeNs };
  const names = brokenPromises(withTime, there) as (keyof typeof attributeNames)[];
  return names.map((name) => attributeNames[name]);
}
