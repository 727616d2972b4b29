import { z } from "zod";
import { MigrationError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import { ApiError, apiError, Status } from "./api-error.ts";
import type { Change } from "./cluster.ts";
import { pathOf } from "./names.ts";
import { networkError } from "./network-error.ts";
import { actionOn, type Listing, listAll, parseObject, selectors } from "./objects.ts";
import { Metadata } from "./resource.ts";
import { pause, waitOf } from "./retry.ts";
import type { Transport } from "./transport.ts";

/** The server ends a watch after this; it is made anew, so that a dead connection is found. */
const watchSeconds = 60;
const graceMs = 15_000;

const silence = new Error("the watch was not ended when it was to be");

const Line = z.object({
  type: z.enum(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]),
  object: z.looseObject({}),
});

const Versioned = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
});

interface Watching<T> extends Listing<T> {
  signal: AbortSignal;
}

/**
 * What is there, then every change, until the signal is aborted, whose reason it throws. What
 * changed while no connection was there is told as well, each object's last state.
 */
export async function* watchChanges<T>(
  transport: Transport,
  watching: Watching<T>,
): AsyncGenerator<Change<T>, never> {
  const { signal } = watching;
  const known = new Map<string, T>();
  for (;;) {
    signal.throwIfAborted();
    const { items, resourceVersion } = await listAll(transport, {
      ...watching,
      options: { ...watching.options, signal },
    });
    yield* differences(known, items);
    for await (const change of followFrom(transport, watching, resourceVersion)) {
      remember(known, change);
      yield change;
    }
  }
}

function metadataOf(object: unknown): Metadata {
  return z.looseObject({ metadata: Metadata }).parse(object).metadata;
}

function keyOf(object: unknown): string {
  const { uid, namespace, name } = metadataOf(object);
  return uid ?? `${namespace}/${name}`;
}

function remember<T>(known: Map<string, T>, { type, object }: Change<T>) {
  if (type === "DELETED") known.delete(keyOf(object));
  else known.set(keyOf(object), object);
}

function* differences<T>(known: Map<string, T>, items: readonly T[]): Generator<Change<T>> {
  const current = new Map(items.map((object) => [keyOf(object), object]));
  for (const [key, object] of [...known]) {
    if (current.has(key)) continue;
    known.delete(key);
    yield { type: "DELETED", object };
  }
  for (const [key, object] of current) {
    const before = known.get(key);
    known.set(key, object);
    const version = metadataOf(object).resourceVersion;
    if (before === undefined) yield { type: "ADDED", object };
    else if (metadataOf(before).resourceVersion !== version) yield { type: "MODIFIED", object };
  }
}

/** Ends where only a fresh list can tell what is there. */
async function* followFrom<T>(
  transport: Transport,
  watching: Watching<T>,
  from: string,
): AsyncGenerator<Change<T>, void> {
  const { retries, patienceMs } = transport.options;
  let version = from;
  let lastGood = performance.now();
  for (let failures = 0; ; ) {
    try {
      for await (const { type, object } of readWatch(transport, watching, version)) {
        version = Versioned.parse(object).metadata.resourceVersion;
        failures = 0;
        if (type !== "BOOKMARK") yield { type, object: parseObject(watching.resource, object) };
        lastGood = performance.now();
      }
    } catch (error) {
      if (isExpired(error)) return;
      watching.signal.throwIfAborted();
      if (!isTransient(error) || performance.now() - lastGood > patienceMs) throw error;
    }
    // A server that ends each watch at once is not asked without a pause.
    await pause(waitOf(retries, ++failures), watching.signal);
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410;
}

function isTransient(error: unknown): boolean {
  return error instanceof MigrationError && error.kind === "transient";
}

type WatchLine = z.infer<typeof Line> & { type: Change<unknown>["type"] | "BOOKMARK" };

/** One connection's lines. */
async function* readWatch<T>(
  transport: Transport,
  { resource, namespace, options, signal }: Watching<T>,
  version: string,
): AsyncGenerator<WatchLine, void> {
  const query = selectors(options);
  query.set("watch", "1");
  query.set("allowWatchBookmarks", "true");
  query.set("resourceVersion", version);
  query.set("timeoutSeconds", String(watchSeconds));
  const action = actionOn(resource, "watch", { namespace });
  const path = pathOf(resource, { namespace });
  const stream = await transport.stream({ method: "GET", path, query, action, signal });
  const overdue = setTimeout(() => stream.destroy(silence), watchSeconds * 1000 + graceMs);
  try {
    for await (const text of linesOf(stream)) {
      const line = Line.parse(JSON.parse(text));
      if (line.type === "ERROR") {
        const { code = 500 } = Status.parse(line.object);
        throw apiError(code, JSON.stringify(line.object), action);
      }
      yield { ...line, type: line.type };
    }
  } catch (error) {
    signal.throwIfAborted();
    throw networkError(error, transport.options.login.server.origin);
  } finally {
    clearTimeout(overdue);
    stream.destroy();
  }
}
