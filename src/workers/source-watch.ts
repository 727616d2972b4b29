import { isUnavailable } from "../core/errors.ts";
import { openSource } from "../mongo/connect.ts";
import type { DatabaseRef } from "../mongo/database.ts";
import { type DatabaseActivity, readActivity } from "../mongo/fingerprint.ts";
import { changesBetween } from "../plan/fingerprint.ts";
import type { WorkerContext } from "./context.ts";

/**
 * Looks at these collections of a source now, and once more when it is asked what was written to
 * them since, in words.
 */
export async function watchSource(
  ref: DatabaseRef,
  collections: readonly string[],
  context: WorkerContext,
): Promise<() => Promise<string[]>> {
  const names = new Set(collections);
  const before = await lookAt(ref, names, context);
  return async () => {
    const after = await lookAt(ref, names, context).catch(unknown);
    return changesBetween(fingerprint(before), fingerprint(after));
  };
}

/** By a connection of its own: one that was open before a restart tells of the old process. */
async function lookAt(ref: DatabaseRef, names: ReadonlySet<string>, context: WorkerContext) {
  const opened = await openSource(ref, context);
  try {
    return await readActivity(opened, ({ name }) => names.has(name));
  } finally {
    await opened.source.close();
  }
}

/** What was read is whole, although the source is away again. */
function unknown(error: unknown): undefined {
  if (!isUnavailable(error)) throw error;
}

function fingerprint(database: DatabaseActivity | undefined) {
  return { version: 1 as const, ...(database === undefined ? {} : { database }) };
}
