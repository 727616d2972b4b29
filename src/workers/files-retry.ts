import { isUnavailable } from "../core/errors.ts";
import { type Retrying, retry } from "../core/retry.ts";
import { BrokenStream } from "../files/broken-stream.ts";
import type { FileDestination } from "../files/destination.ts";
import type { HashOptions } from "../files/hash.ts";
import type { FilesContext } from "./context.ts";
import { stopIfAborted } from "./files-stop.ts";

/** How long a destination may be away before a step gives up. */
const defaultBudget = 10 * 60_000;

function retrying(ctx: FilesContext, mayPass: Retrying["mayPass"]): Retrying {
  const { clock, signal, log, retryBudget: budget = defaultBudget } = ctx;
  const onRetry = (err: unknown) => log.warn({ err }, "The destination is away, trying again");
  return { clock, signal, budget, mayPass, onRetry };
}

/**
 * Repeats work that sends over a stream while that stream breaks. What failed otherwise had its
 * time already. `work` goes on where it was, and tells when it got further than ever before.
 */
export async function resend<T>(
  ctx: FilesContext,
  work: (progressed: () => void) => Promise<T>,
): Promise<T> {
  const isBroken = (error: unknown) => error instanceof BrokenStream;
  return await orStopped(ctx.signal, retry(retrying(ctx, isBroken), work));
}

/** Who is told to stop while the destination is away was stopped. */
async function orStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isUnavailable(error)) stopIfAborted(signal, "The work on the files");
    throw error;
  }
}

/** The destination of a run, each of whose calls is repeated for a while where it is away. */
export function steadyDestination(ctx: FilesContext): FileDestination {
  const { destination } = ctx;
  const { placeFolders, hashAll } = destination;
  const steadily = retrying(ctx, isUnavailable);
  function keep<T>(call: () => Promise<T>): Promise<T> {
    return orStopped(ctx.signal, retry(steadily, call));
  }
  return {
    label: destination.label,
    look: (paths) => keep(() => destination.look(paths)),
    hash: (path, options = {}) => {
      const onBytes = newBytes(options);
      return keep(() => destination.hash(path, { ...options, onBytes: onBytes() }));
    },
    ...(hashAll === undefined
      ? {}
      : { hashAll: (paths, stop) => keep(() => hashAll(paths, stop)) }),
    check: () => keep(() => destination.check()),
    powers: () => keep(() => destination.powers()),
    rsyncFeatures: (signal) => keep(() => destination.rsyncFeatures(signal)),
    space: () => keep(() => destination.space()),
    names: () => keep(() => destination.names()),
    makeTemporary: (temporary) => keep(() => destination.makeTemporary(temporary)),
    removeTemporary: (temporary) => keep(() => destination.removeTemporary(temporary)),
    rsync: (temporary) => keep(() => destination.rsync(temporary)),
    unpack: (temporary, options) => keep(() => destination.unpack(temporary, options)),
    place: (temporary, files, how) => keep(() => destination.place(temporary, files, how)),
    ...(placeFolders === undefined
      ? {}
      : { placeFolders: (folders) => keep(() => placeFolders(folders)) }),
    locks: destination.locks,
    sync: () => keep(() => destination.sync()),
    remove: (removals) => keep(() => destination.remove(removals)),
    clear: (path) => keep(() => destination.clear(path)),
    close: () => destination.close(),
  };
}

/** Content that is read again is counted once. */
function newBytes({ onBytes }: HashOptions): () => (count: number) => void {
  let told = 0;
  return function attempt() {
    let read = 0;
    return (count) => {
      read += count;
      if (read <= told) return;
      onBytes?.(read - told);
      told = read;
    };
  };
}
