import { MigrationError } from "../core/errors.ts";
import type { Placement } from "../files/destination.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { shortage } from "../files/space.ts";
import { confirmAll, confirmArrived } from "./files-confirm.ts";
import { intendAll } from "./files-intents.ts";
import { writePathList } from "./files-path-list.ts";
import { listFile, type SendSession } from "./files-session.ts";
import { stageByTar, unreadOf } from "./files-tar-stage.ts";

interface Batch {
  session: SendSession;
  entries: InventoryEntry[];
  onBytes: (count: number) => void;
  /** Of all batches so far. */
  total: { filesSent: number; bytesSent: number };
}

/** What arrived before the connection broke is put in place too, so that only the rest is repeated. */
export async function sendBatch(batch: Batch) {
  const { session } = batch;
  const listed = await writeList(batch);
  if (listed.length === 0) return;
  const { isWhole, isRead, broken, lost } = await stageByTar(session, batch.onBytes);
  // What was cut off still has the source's owners.
  if (broken !== undefined && session.input.ownership === "map") throw broken;
  const unread = isRead ? new Map<string, string>() : await unreadOf(session, listed);
  const isUnread = ({ path }: InventoryEntry) => unread.has(path.toString("latin1"));
  const entries = listed.filter((entry) => !isUnread(entry));
  const { cleared, reasons } = await placeAll({ ...batch, entries }, isWhole);
  const reasonFor = (path: Buffer) => reasons.get(path.toString("latin1"));
  if (broken !== undefined) {
    const placed = cleared.filter(({ path }) => reasonFor(path) === undefined);
    count(batch, await confirmArrived(placed, session));
    throw broken;
  }
  if (!isWhole) await stopIfFull(session, reasons);
  const lostFor = (path: Buffer) => lost.get(path.toString("latin1")) ?? [];
  await confirmAll(cleared, session, { reasonFor, lostFor });
  const unreadFor = (path: Buffer) => unread.get(path.toString("latin1"));
  await confirmAll(listed.filter(isUnread), session, { reasonFor: unreadFor });
  count(batch, cleared);
}

async function writeList({ session, entries }: Batch): Promise<InventoryEntry[]> {
  const cleared = await intendAll(entries, session);
  writePathList(
    listFile(session, "tar"),
    cleared.map(({ path }) => path),
  );
  return cleared;
}

/** Moves what was staged to its final names; returns what may be there, and why the rest is not. */
async function placeAll({ session, entries }: Batch, isWhole: boolean) {
  const { destination, input } = session;
  const cleared = await intendAll(entries, session);
  const files = cleared.flatMap(placementOf);
  const how = { ownership: input.ownership, isWhole };
  const why = files.length > 0 ? await destination.place(input.temporary, files, how) : [];
  const reasons = new Map<string, string>();
  for (const [at, { path }] of files.entries()) {
    const reason = why[at];
    if (reason !== undefined) reasons.set(path.toString("latin1"), reason);
  }
  return { cleared, reasons };
}

/** Folders are never carried by tar. */
function placementOf({ path, type, size, mtimeNs, mode }: InventoryEntry): Placement[] {
  return type === "d" ? [] : [{ path, type, size, mtimeNs, mode }];
}

/** tar says in words alone why it could not write: what is left must fit, or the volume is full. */
async function stopIfFull(
  { inventory, destination }: SendSession,
  reasons: ReadonlyMap<string, string>,
) {
  const needed = { bytes: 0, files: reasons.size };
  for (const path of reasons.keys()) {
    needed.bytes += inventory.get(Buffer.from(path, "latin1"))?.allocated ?? 0;
  }
  if (shortage(await destination.space(), needed) === undefined) return;
  throw new MigrationError("E_NO_SPACE", "The destination's volume is full");
}

/** Only what has arrived is progress: what is refused is sent again by each attempt. */
function count({ session, total }: Batch, sent: readonly InventoryEntry[]) {
  if (sent.some(({ path }) => session.inventory.get(path)?.done)) session.progressed();
  for (const { send, type, size } of sent) {
    if (send !== "data") continue;
    total.filesSent++;
    total.bytesSent += type === "f" ? size : 0;
  }
}
