import { failpoint } from "../core/failpoints.ts";
import type { FileRecord } from "../core/ledger.ts";
import { type FileEntry, printablePath, sameState, sameTarget } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import type { InventoryEntry, Outcome } from "../files/inventory-entry.ts";
import { brokenPromises, type Owners, promised } from "../files/ownership.ts";
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

type ReasonFor = (path: Buffer) => string | undefined;

/** What the sending program could not set on what it sent, and `FileEntry` does not show. */
type LostFor = (path: Buffer) => readonly string[];
const nothingLost: LostFor = () => [];

/**
 * Looks at what was sent: what is there is recorded as written, what is not gets the reason that
 * the sending program gave for it.
 */
export async function confirmAll(
  page: readonly InventoryEntry[],
  session: SendSession,
  { reasonFor, lostFor = nothingLost }: { reasonFor: ReasonFor; lostFor?: LostFor },
) {
  if (page.length === 0) return;
  record(await judgeAll(page, session, { reasonFor, lostFor }), session);
}

/** Records what has arrived whole, and leaves the rest as it is; returns the former. */
export async function confirmArrived(
  page: readonly InventoryEntry[],
  session: SendSession,
): Promise<InventoryEntry[]> {
  const told = { reasonFor: () => undefined, lostFor: nothingLost };
  const judged = await judgeAll(page, session, told);
  const whole = judged.filter(({ result }) => result.outcome.verdict === undefined);
  record(whole, session);
  return whole.map(({ entry }) => entry);
}

interface Judged {
  entry: InventoryEntry;
  result: Result;
}

async function judgeAll(
  page: readonly InventoryEntry[],
  session: SendSession,
  told: { reasonFor: ReasonFor; lostFor: LostFor },
): Promise<Judged[]> {
  const { destination, source, root, ctx, input } = session;
  const paths = page.map(({ path }) => path);
  const [looks, sources] = await Promise.all([destination.look(paths), source.look(paths)]);
  const judged: Judged[] = [];
  if (looks.some(({ state }) => state !== "here")) root.check();
  const intents = ctx.ledger.files.getAll(paths);
  for (const [at, entry] of page.entries()) {
    const sent: Sent = {
      entry,
      there: looks[at] ?? { state: "absent" },
      source: sources[at] ?? { state: "absent" },
      intent: intents[at],
    };
    const result = judge(sent, { run: ctx.run, owners: input, ...told });
    if (result !== undefined) judged.push({ entry, result });
  }
  return judged;
}

function record(judged: readonly Judged[], { inventory, ctx }: SendSession) {
  const changes: { path: Buffer; outcome: Partial<Outcome> }[] = [];
  const records: { path: Buffer; record: FileRecord }[] = [];
  const forgotten: Buffer[] = [];
  for (const { entry, result } of judged) {
    const { path } = entry;
    changes.push({ path, outcome: result.outcome });
    const record = "record" in result ? result.record : result.forget;
    if (record === undefined) forgotten.push(path);
    else records.push({ path, record });
    if (result.outcome.verdict === "rejected") {
      ctx.log.warn({ ...printablePath(path), reason: result.outcome.reason }, "File not carried");
    }
  }
  failpoint("files.beforeConfirm");
  ctx.ledger.files.put(records);
  ctx.ledger.files.forget(forgotten);
  inventory.update(changes);
  failpoint("files.afterConfirm");
}

/** One object for all: they are written together. */
const arrived: Partial<Outcome> = { done: true };

interface Judging {
  run: string;
  owners: Owners;
  reasonFor: ReasonFor;
  lostFor: LostFor;
}

function judge(sent: Sent, { run, owners, reasonFor, lostFor }: Judging): Result | undefined {
  const { entry, there, source, intent } = sent;
  if (there.state === "here" && isThere(entry, there.entry, source)) {
    const record = writtenRecord(entry, there.entry, { intent, run });
    const lost = lostFor(entry.path);
    const broken = [...brokenHere(sent, there.entry, owners), ...lost];
    if (broken.length === 0) return { outcome: arrived, record };
    if (entry.send === "refresh" && lost.length === 0) return undefined;
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

function brokenHere({ entry, source }: Sent, there: FileEntry, owners: Owners): string[] {
  if (source.state !== "here" || source.entry.ctimeNs !== entry.ctimeNs) return [];
  const { mtimeNs, ...wanted } = promised(entry, owners);
  const withTime = entry.type === "d" || mtimeNs === undefined ? wanted : { ...wanted, mtimeNs };
  const names = brokenPromises(withTime, there) as (keyof typeof attributeNames)[];
  return names.map((name) => attributeNames[name]);
}
