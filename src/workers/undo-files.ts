import type { KnownFile } from "../core/ledger.ts";
import { isRoot, printablePath } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import { removalOf } from "../files/remove.ts";
import type { UndoneExample } from "../plan/undone.ts";
import type { FilesContext } from "./context.ts";
import { steadyDestination } from "./files-retry.ts";
import { stopIfAborted } from "./files-stop.ts";
import { broughtBy, isOfRuns, type Undoing, whyNotTaken } from "./undo-rules.ts";
import { whyNotOurs } from "./vanished-files.ts";

interface Found extends KnownFile {
  look: Look;
}

/** Takes back every file that the runs of a migration copied and nobody changed since. */
export async function undoFiles(undoing: Undoing, ctx: FilesContext): Promise<void> {
  const { ledger, signal, report } = ctx;
  const destination = steadyDestination(ctx);
  let done = 0;
  for (const page of ledger.files.pages()) {
    stopIfAborted(signal, "The undo");
    const ours = page.filter((known) => known.record.ours && isOfRuns(known, undoing));
    const looks = await destination.look(ours.map(({ path }) => path));
    const found = ours.map((known, at) => ({ ...known, look: looks[at] ?? absent }));
    await undoSome(found, { undoing, ctx });
    done += page.length;
    report({ phase: "files", files: { done } });
  }
  if (undoing.act) await destination.sync();
}

const absent: Look = { state: "absent" };

interface Work {
  undoing: Undoing;
  ctx: FilesContext;
}

async function undoSome(all: readonly Found[], work: Work) {
  const { undoing, ctx } = work;
  const over: Buffer[] = [];
  const going: Found[] = [];
  for (const found of all) {
    const isNothing = found.look.state === "absent" || isRoot(found.path);
    const stays = isNothing ? undefined : await whyItStays(found, work);
    if (stays !== undefined) tell(found, work, stays);
    else if (!isNothing) going.push(found);
    // What is gone, or is somebody else's by now, is not ours any more.
    if (isNothing || stays?.action === "kept") over.push(found.path);
  }
  if (!undoing.act) return foresee(going, work);
  handOver(all, work);
  ctx.ledger.files.forget([...over, ...(await act(going, work))]);
}

/** What stays of this migration's is from now on the one's that brought it. */
function handOver(all: readonly Found[], { undoing, ctx }: Work) {
  const others = all.flatMap((found) => {
    const run = broughtBy(found, undoing);
    return run === undefined ? [] : [{ path: found.path, record: { ...found.record, run } }];
  });
  ctx.ledger.files.put(others);
}

function foresee(going: readonly Found[], work: Work) {
  for (const found of going) tell(found, work, { action: "removed" });
}

type End = Pick<UndoneExample, "action" | "reason">;

async function whyItStays(found: Found, { undoing, ctx }: Work): Promise<End | undefined> {
  const why = whyNotTaken(found, undoing);
  if (why !== undefined) return { action: "impossible", reason: why };
  if (found.origin.overwrote) {
    const reason = "it took the place of another file, of which nothing was kept";
    return { action: "impossible", reason };
  }
  if (found.record.state === "intended" && found.record.type !== "d") {
    return { action: "impossible", reason: "its copy was cut off: go on with the migration first" };
  }
  const changed = await whyNotOurs(found, found.look, ctx);
  return changed === undefined ? undefined : { action: "kept", reason: changed };
}

/** Returns what is over: it is gone, or is not ours any more. */
async function act(going: readonly Found[], work: Work): Promise<Buffer[]> {
  if (going.length === 0) return [];
  const { ctx } = work;
  const removals = going.flatMap(({ look }) => {
    return look.state === "here" ? [removalOf(look.entry)] : [];
  });
  await ctx.guard();
  const ends = await steadyDestination(ctx).remove(removals);
  for (const [at, found] of going.entries()) {
    const reason = ends[at];
    tell(found, work, reason === undefined ? { action: "removed" } : { action: "kept", reason });
  }
  return going.map(({ path }) => path);
}

function tell({ path, record }: Found, { undoing }: Work, end: End) {
  const part = record.type === "d" ? "folders" : "files";
  undoing.tally.add({ part, name: printablePath(path).path, ...end });
}
