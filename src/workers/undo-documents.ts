import { type BeforeImages, openBeforeImages } from "../mongo/before-images.ts";
import type { DestinationDatabase } from "../mongo/database.ts";
import {
  areAsWritten,
  documentsAtOnce,
  type OwnDocument,
  type OwnPlace,
  ownDocuments,
  takeAway,
} from "../mongo/own-documents.ts";
import { idToJson } from "../mongo/restore-outcome.ts";
import type { RetryOptions } from "../mongo/restore-retry.ts";
import type { WorkerContext } from "./context.ts";
import { whyKept } from "./db-prune.ts";
import { stopIfAborted } from "./files-stop.ts";
import { broughtBy, isOfRuns, type Undoing, whyNotTaken } from "./undo-rules.ts";

interface Work extends OwnPlace {
  undoing: Undoing;
  images: BeforeImages;
  ctx: WorkerContext;
}

interface PutBack {
  document: OwnDocument;
  image: Buffer;
}

/** Takes back every document that the runs of a migration wrote and nobody changed since. */
export async function undoDocuments(
  undoing: Undoing,
  destination: DestinationDatabase,
  ctx: WorkerContext,
): Promise<void> {
  const { clock, signal, retryBudget } = ctx;
  const retry: RetryOptions = { clock, signal, retryBudget };
  const ledger = ctx.ledger.documents;
  const images = await openBeforeImages(undoing.restoreFolders, undoing.runs);
  for (const collection of ledger.collections()) {
    const work = { collection, destination, ledger, retry, undoing, images, ctx };
    // What is put back may clash with what is still to go: it comes after that.
    if (await walk(work, (own) => !own.origin.overwrote)) {
      await walk(work, (own) => own.origin.overwrote);
    }
  }
}

/** Returns whether others than the chosen ones were there. */
async function walk(work: Work, isChosen: (own: OwnDocument) => boolean): Promise<boolean> {
  let others = false;
  for await (const own of ownDocuments(work)) {
    const chosen = own.filter(isChosen);
    others ||= chosen.length < own.length;
    for (let first = 0; first < chosen.length; first += documentsAtOnce) {
      stopIfAborted(work.ctx.signal, "The undo");
      await undoSome(chosen.slice(first, first + documentsAtOnce), work);
    }
  }
  return others;
}

async function undoSome(own: readonly OwnDocument[], work: Work) {
  const { collection, images, undoing } = work;
  const going: (OwnDocument | PutBack)[] = [];
  for (const document of own) {
    if (!isOfRuns(document, undoing)) continue;
    const why = whyNotTaken(document, undoing);
    const image = document.origin.overwrote
      ? await images.read(collection, document.id)
      : undefined;
    if (why !== undefined) tell(document, work, { action: "impossible", reason: why });
    else if (!document.origin.overwrote) going.push(document);
    else if (image !== undefined) going.push({ document, image });
    else tell(document, work, { action: "impossible", reason: "its before-image is gone" });
  }
  if (undoing.act) {
    handOver(own, work);
    await act(going, work);
  } else await foresee(going, work);
}

/** What stays of this migration's is from now on the one's that brought it. */
function handOver(own: readonly OwnDocument[], { collection, ledger, undoing }: Work) {
  for (const [run, brought] of Map.groupBy(own, (one) => broughtBy(one, undoing))) {
    if (run === undefined) continue;
    const entries = brought.map(({ id, record }) => ({ id, hash: record.hash }));
    ledger.revert(collection, run, entries);
  }
}

function documentOf(one: OwnDocument | PutBack): OwnDocument {
  return "image" in one ? one.document : one;
}

async function act(going: readonly (OwnDocument | PutBack)[], work: Work) {
  if (going.length === 0) return;
  const { ctx, collection, ledger } = work;
  await ctx.guard();
  const ends = await takeAway(
    going.map((one) => {
      const { id, record } = documentOf(one);
      return { id, record, ...("image" in one ? { replacement: one.image } : {}) };
    }),
    work,
  );
  for (const [at, one] of going.entries()) {
    const end = ends[at] ?? "changed";
    if (end === "gone") continue;
    const reason = whyKept(end);
    tellEnd(one, work, reason);
  }
  // What somebody changed is not ours any more either; what the server refuses still is.
  const over = going.filter((_, at) => typeof ends[at] !== "object");
  ledger.forget(
    collection,
    over.map((one) => documentOf(one).id),
  );
}

async function foresee(going: readonly (OwnDocument | PutBack)[], work: Work) {
  const unchanged = await areAsWritten(going.map(documentOf), work);
  for (const [at, one] of going.entries()) {
    if (unchanged[at] === undefined) continue;
    tellEnd(one, work, unchanged[at] ? undefined : whyKept("changed"));
  }
}

function tellEnd(one: OwnDocument | PutBack, work: Work, reason: string | undefined) {
  const taken = "image" in one ? ("putBack" as const) : ("removed" as const);
  tell(
    documentOf(one),
    work,
    reason === undefined ? { action: taken } : { action: "kept", reason },
  );
}

function tell(
  { id }: OwnDocument,
  { collection, undoing }: Work,
  what: { action: "removed" | "putBack" | "kept" | "impossible"; reason?: string },
) {
  const name = `${collection} ${JSON.stringify(idToJson(id))}`;
  const { tally } = undoing;
  tally.add({ part: "documents", name, ...what });
  if (what.action !== "removed") return;
  tally.removedFrom.set(collection, (tally.removedFrom.get(collection) ?? 0) + 1);
}
