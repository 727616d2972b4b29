import type { Document } from "mongodb";
import { failpoint } from "../core/failpoints.ts";
import { classifyCommandError, destinationError } from "./classify.ts";
import type { DestinationDatabase } from "./database.ts";
import type { Difference } from "./prepare-collection-differences.ts";
import { creatableIndex, isIdIndex, isTtlIndex } from "./prepare-collection-indexes.ts";
import { type RetryOptions, withRetries } from "./restore-retry.ts";
import type { RestoreSession } from "./restore-session.ts";
import type { SourceCollection } from "./restore-source.ts";

interface Options extends RetryOptions {
  guard(): Promise<void>;
  destination: DestinationDatabase;
}

/** Builds indexes of loaded collections, one collection after the other, beside the loading. */
export function makeIndexBuilder(options: Options, session: RestoreSession) {
  const waiting: SourceCollection[] = [];
  let errors: unknown[] = [];
  let last: Promise<void> = Promise.resolve();
  function queue(collection: SourceCollection, wanted: (index: Document) => boolean) {
    last = last
      .then(() => (errors.length > 0 ? undefined : build(collection, wanted)))
      .catch((error: unknown) => {
        errors.push(error);
      });
  }
  async function build({ spec, indexes }: SourceCollection, wanted: (index: Document) => boolean) {
    const others = indexes.filter((index) => !isIdIndex(index) && wanted(index));
    await createAll(spec.name, others.map(creatableIndex), { options, session });
  }
  return {
    start(collection: SourceCollection) {
      waiting.push(collection);
      queue(collection, (index) => !isTtlIndex(index));
    },
    /** Waits for what is being built; an error shows in `finish`. */
    settle: () => last,
    /**
     * Builds the indexes that delete documents, now that nothing is loaded any more, and returns
     * the indexes that the server refused.
     */
    async finish(): Promise<Difference[]> {
      for (const collection of waiting) queue(collection, isTtlIndex);
      await last;
      const [first] = errors;
      errors = [];
      if (first !== undefined) throw first;
      return session.refusedIndexes().map(({ collection, name, reason }) => {
        return { collection, what: "index", name, note: "refused", reason };
      });
    },
  };
}

interface Context {
  options: Options;
  session: RestoreSession;
}

/** All in one command, which reads the collection once; one by one where the server objects. */
async function createAll(collection: string, indexes: readonly Document[], context: Context) {
  if (indexes.length === 0) return;
  const { destination } = context.options;
  const refusal = await tryCreate(collection, indexes, context.options);
  if (refusal === undefined) return;
  for (const index of indexes) {
    const error = await tryCreate(collection, [index], context.options);
    if (error === undefined) continue;
    const name = String(index["name"]);
    const reason = error instanceof Error ? error.message : String(error);
    const known = context.session.refusedIndexes();
    if (known.some((other) => other.collection === collection && other.name === name)) continue;
    await context.session.recordRefusal({ collection, name, reason });
  }
  // A lost connection must not pass for a refusal.
  await destination.indexes(collection);
}

/** The server's objection; what may pass is tried again, what stops everything is thrown. */
async function tryCreate(
  collection: string,
  indexes: readonly Document[],
  options: Options,
): Promise<unknown> {
  return withRetries(collection, options, async () => {
    await options.guard();
    try {
      failpoint("index.beforeBuild");
      await options.destination.createIndexes(collection, indexes);
      failpoint("index.afterBuild");
      return undefined;
    } catch (error) {
      const kind = classifyCommandError(error);
      if (kind === "transient") throw error;
      const known = destinationError(collection, error);
      if (known.code !== "E_UNEXPECTED") throw known;
      return error;
    }
  });
}
