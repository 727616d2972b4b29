import type { DocumentLedger } from "../core/ledger.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import { noVerdicts, type VerdictCounts } from "../core/verdict.ts";
import { arrayValue, buildDocument, documentValue, element } from "./bson-build.ts";
import type { RawBatch } from "./bson-walk.ts";
import { type DecisionRules, decide } from "./compare-document.ts";
import type { DestinationDatabase } from "./database.ts";
import { type Candidate, idKeyOf, takeApart } from "./restore-candidate.ts";
import { idToJson } from "./restore-outcome.ts";
import { findById } from "./restore-present.ts";
import { findHolder, keyFilter, type UniqueIndex, uniqueIndexes } from "./restore-unique.ts";

export interface PredictionRequest {
  collection: string;
  batches: AsyncIterable<RawBatch>;
  destination: Pick<DestinationDatabase, "find" | "read" | "count" | "indexes">;
  ledger: DocumentLedger;
  rules: DecisionRules;
  rewrite: readonly RewriteRule[];
  signal?: AbortSignal | undefined;
}

export interface Prediction {
  documents: number;
  /** What a restore would make of them, as far as looking tells. */
  verdicts: VerdictCounts;
  /** Of the conflicts. */
  examples: PredictedConflict[];
  /** Documents whose clashes with unique indexes were not looked for, as it would cost too much. */
  unchecked: number;
}

interface PredictedConflict {
  id: unknown;
  reason: string;
  index?: string;
  holder?: unknown;
}

const shownExamples = 10;
/** Documents asked for with one query; a chunk with a clash is cut in two down to the document. */
const chunkDocuments = 100;
/** Queries for clashes per collection. */
const mostQueries = 20_000;

interface Work {
  request: PredictionRequest;
  indexes: readonly UniqueIndex[];
  result: Prediction;
  queries: number;
}

/** Compares documents with the destination and writes nothing, neither there nor to the ledger. */
export async function predictRestore(request: PredictionRequest): Promise<Prediction> {
  await request.ledger.prepareLookups();
  const work: Work = {
    request,
    indexes: uniqueIndexes(await request.destination.indexes(request.collection)),
    result: { documents: 0, verdicts: noVerdicts(), examples: [], unchecked: 0 },
    queries: 0,
  };
  for await (const batch of request.batches) {
    request.signal?.throwIfAborted();
    await predictBatch(batch, work);
  }
  return work.result;
}

async function predictBatch(batch: RawBatch, work: Work): Promise<void> {
  const { request, result } = work;
  const { usable, unusable } = takeApart(batch, {
    first: result.documents,
    rules: request.rewrite,
  });
  result.documents += batch.count;
  result.verdicts.rejected += unusable.length;
  const absent: Candidate[] = [];
  const ids = usable.map(({ id }) => id);
  const found = usable.length > 0 ? await findById(request, ids) : new Map<string, Buffer>();
  const records = request.ledger.get(request.collection, ids);
  for (const [index, candidate] of usable.entries()) {
    const destination = found.get(idKeyOf(candidate.id));
    const sides = { source: candidate, destination, record: records[index] };
    const decision = decide(sides, request.rules);
    if (decision.action === "insert") absent.push(candidate);
    else if (decision.action === "none") result.verdicts[decision.verdict]++;
    else if (decision.action === "replace") result.verdicts.updated++;
    else addConflict(candidate, { reason: decision.reason }, result);
  }
  for (let at = 0; at < absent.length; at += chunkDocuments) {
    await predictAbsent(absent.slice(at, at + chunkDocuments), work);
  }
}

async function predictAbsent(chunk: readonly Candidate[], work: Work): Promise<void> {
  let free = chunk;
  for (const index of work.indexes) {
    const clashing = new Set(await findClashing(free, index, work));
    free = free.filter((candidate) => !clashing.has(candidate));
  }
  work.result.verdicts.migrated += free.length;
}

/** The candidates whose key of this index another document has; each is counted here. */
async function findClashing(
  candidates: readonly Candidate[],
  index: UniqueIndex,
  work: Work,
): Promise<Candidate[]> {
  const { request, result } = work;
  const [only] = candidates;
  if (only === undefined) return [];
  if (work.queries >= mostQueries) {
    result.unchecked += candidates.length;
    return [];
  }
  work.queries++;
  if (candidates.length === 1) return confirmClash(only, index, work);
  const filter = anyKey(candidates, index);
  if (filter === undefined) return [];
  const selection = { collection: request.collection, filters: [filter] };
  if (!(await hasAny(selection, request.destination))) return [];
  const middle = Math.ceil(candidates.length / 2);
  const left = await findClashing(candidates.slice(0, middle), index, work);
  const right = await findClashing(candidates.slice(middle), index, work);
  return [...left, ...right];
}

async function confirmClash(candidate: Candidate, index: UniqueIndex, { request, result }: Work) {
  const holder = await findHolder(candidate, index, request);
  if (holder === undefined) return [];
  const clash = { reason: "unique-index", index: index.name, holder: idToJson(holder) };
  addConflict(candidate, clash, result);
  return [candidate];
}

function anyKey(candidates: readonly Candidate[], index: UniqueIndex): Buffer | undefined {
  const filters = candidates.flatMap(({ bytes }) => keyFilter(bytes, index) ?? []);
  if (filters.length === 0) return undefined;
  return buildDocument([element("$or", arrayValue(filters.map(documentValue)))]);
}

async function hasAny(
  selection: { collection: string; filters: Buffer[] },
  { read }: PredictionRequest["destination"],
): Promise<boolean> {
  for await (const { count } of read(selection, { projection: { _id: 1 } })) {
    if (count > 0) return true;
  }
  return false;
}

function addConflict(
  { id }: Candidate,
  conflict: Omit<PredictedConflict, "id">,
  { verdicts, examples }: Prediction,
) {
  verdicts.conflict++;
  if (examples.length < shownExamples) examples.push({ id: idToJson(id), ...conflict });
}
