import { MigrationError } from "../core/errors.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import { documentLength, leadingId, packValue, type RawBatch } from "./bson-walk.ts";
import type { DestinationDatabase } from "./database.ts";
import { idKeyOf } from "./restore-candidate.ts";
import { type RetryOptions, withRetries } from "./restore-retry.ts";
import { dataCollection, type SourceCollection } from "./restore-source.ts";

/** A destination's collection, read once in its own order beside the documents of an archive. */
export interface Scan {
  /**
   * 1 for each document of the batch that the destination was seen to hold byte for byte. 0 says
   * nothing: it has to be looked up. The batches have to come in the archive's order.
   */
  equalIn(batch: RawBatch): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A collection that holds more than so many times the archive's documents is not read whole. */
const mostForeign = 2;
/** How many documents of an archive are tried against one of the destination that is another. */
const mostMissing = 8;
/** How many documents may wait for their counterpart, and how many bytes of them. */
const mostWaiting = { documents: 50_000, bytes: 16 * 1024 * 1024 };
/** What still waits after so many bytes of the archive is somebody else's. */
const patience = 64 * 1024 * 1024;
/** After so many documents a scan must have found half of them. */
const trial = 20_000;

/** One reply of the destination. */
interface Page {
  data: Buffer;
  /** Where its next document starts. */
  at: number;
  /** The ids of the documents that were passed over. */
  passed: string[];
}

/** A document of the destination that may still be asked for. */
interface Waiting {
  bytes: Buffer;
  /** How many bytes of the archive had come when it was read. */
  since: number;
}

interface State {
  replies: AsyncIterator<RawBatch>;
  page: Page | undefined;
  /** By id, in the order in which they were passed over. */
  waiting: Map<string, Waiting>;
  waitingBytes: number;
  /** What has come of the archive, and how many documents of it were found. */
  documents: number;
  bytes: number;
  found: number;
  over: boolean;
}

/**
 * What was restored lies in about the order in which it came, so that reading both sides in their
 * own order finds almost every document where it is expected: at a small part of what looking each
 * up by its id costs both the server and us. What is elsewhere within a few replies is found by
 * its id.
 */
export function openScan(replies: AsyncIterable<RawBatch>): Scan {
  const state: State = {
    replies: replies[Symbol.asyncIterator](),
    page: undefined,
    waiting: new Map(),
    waitingBytes: 0,
    documents: 0,
    bytes: 0,
    found: 0,
    over: false,
  };
  return {
    async equalIn(batch) {
      const equal = new Uint8Array(batch.count);
      let at = 0;
      for (let number = 0; number < batch.count && !state.over; number += 1) {
        const end = at + documentLength(batch.data, at);
        const wanted = { data: batch.data, at, end };
        if (isNext(wanted, state) || (await isFound(wanted, state))) equal[number] = 1;
        state.found += equal[number] ?? 0;
        at = end;
      }
      state.documents += batch.count;
      state.bytes += batch.data.length;
      if (state.documents >= trial && state.found * 2 < state.documents) await stop(state);
      return equal;
    },
    close: () => stop(state),
  };
}

interface ScanOptions extends RetryOptions {
  destination: Pick<DestinationDatabase, "read" | "size">;
}

/** A scan of the destination's collection, where that is likely to be worth its while. */
export async function scanBeside(
  archived: SourceCollection,
  rewrite: readonly RewriteRule[],
  options: ScanOptions,
): Promise<Scan | undefined> {
  if (rewrite.length > 0) return undefined;
  const { destination, signal } = options;
  const collection = dataCollection(archived);
  const there = await withRetries(collection, options, () => destination.size(collection));
  const most = archived.documents * mostForeign;
  if (there.documents === 0 || there.documents > most) return undefined;
  return openScan(destination.read({ collection, filters: [] }, { signal }));
}

/** A document of the archive within its batch. */
interface Wanted {
  data: Buffer;
  at: number;
  end: number;
}

async function stop(state: State) {
  if (state.over) return;
  state.over = true;
  state.waiting.clear();
  state.page = undefined;
  await state.replies.return?.();
}

function isNext(wanted: Wanted, { page }: State): boolean {
  if (page === undefined || !isAt(wanted, page)) return false;
  page.at += wanted.end - wanted.at;
  return true;
}

function isAt({ data, at, end }: Wanted, page: Page): boolean {
  const pageEnd = page.at + end - at;
  return pageEnd <= page.data.length && data.compare(page.data, page.at, pageEnd, at, end) === 0;
}

/** Looks at what was passed over, then further ahead as long as that may help. */
async function isFound(wanted: Wanted, state: State): Promise<boolean> {
  const id = idOf(wanted.data.subarray(wanted.at, wanted.end));
  if (id === undefined) return false;
  const waiting = state.waiting.get(id);
  if (waiting !== undefined) {
    forget(id, waiting, state);
    return isSame(wanted, waiting.bytes);
  }
  if (isGone(wanted, state)) return false;
  for (;;) {
    const document = state.page && passTo(id, state.page, state);
    if (document !== undefined) return isSame(wanted, document);
    if (!(await turnPage(state))) return false;
  }
}

function forget(id: string, { bytes }: Waiting, state: State) {
  state.waiting.delete(id);
  state.waitingBytes -= bytes.length;
}

function isSame({ data, at, end }: Wanted, document: Buffer): boolean {
  return data.compare(document, 0, document.length, at, end) === 0;
}

/** Whether the destination goes on with one of the documents that follow in the archive. */
function isGone({ data, end }: Wanted, { page }: State): boolean {
  if (page === undefined) return false;
  let at = end;
  for (let number = 0; number < mostMissing && at < data.length; number += 1) {
    const next = { data, at, end: at + documentLength(data, at) };
    if (isAt(next, page)) return true;
    at = next.end;
  }
  return false;
}

/** Passes over documents up to the one of this id, which is taken; undefined without it. */
function passTo(id: string, page: Page, state: State): Buffer | undefined {
  while (page.at < page.data.length) {
    const bytes = page.data.subarray(page.at, page.at + documentLength(page.data, page.at));
    page.at += bytes.length;
    const other = idOf(bytes);
    if (other === id) return bytes;
    if (other === undefined || state.waiting.has(other)) continue;
    state.waiting.set(other, { bytes, since: state.bytes });
    state.waitingBytes += bytes.length;
    page.passed.push(other);
  }
  return undefined;
}

/** Fetches the next reply; false where there is none, or too much waits already. */
async function turnPage(state: State): Promise<boolean> {
  keepPassed(state);
  if (isFull(state)) forgetOldest(state);
  if (isFull(state)) return false;
  const data = await nextReply(state);
  if (data === undefined) return false;
  state.page = { data, at: 0, passed: [] };
  return true;
}

function isFull({ waiting, waitingBytes }: State): boolean {
  return waiting.size >= mostWaiting.documents || waitingBytes >= mostWaiting.bytes;
}

/** Copies what waits of a page, which is large and not to be kept for a few documents. */
function keepPassed({ page, waiting }: State) {
  for (const id of page?.passed ?? []) {
    const passed = waiting.get(id);
    if (passed !== undefined) passed.bytes = Buffer.from(passed.bytes);
  }
  if (page !== undefined) page.passed = [];
}

/** What the server refuses, or being away, is told by where each document is looked up. */
async function nextReply(state: State): Promise<Buffer | undefined> {
  try {
    const { value, done } = await state.replies.next();
    return done === true ? undefined : value.data;
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    return undefined;
  }
}

function forgetOldest(state: State) {
  for (const [id, waiting] of state.waiting) {
    if (state.bytes - waiting.since < patience) return;
    forget(id, waiting, state);
  }
}

function idOf(document: Buffer): string | undefined {
  const id = leadingId(document);
  return id && idKeyOf(packValue(id));
}
