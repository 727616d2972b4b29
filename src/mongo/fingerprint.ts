import type { Document } from "mongodb";
import { codeOf } from "../core/errors.ts";
import type { OpenSource } from "./connect.ts";
import type { CollectionSpec } from "./database.ts";
import { toFailure } from "./source-failure.ts";

interface CollectionActivity {
  documents: number;
  bytes: number;
  /** Operations since the server started. */
  writes?: number;
}

/** What changes with every write to a database, as far as its server tells. */
export interface DatabaseActivity {
  evidence: "latencyStats" | "top" | "size";
  process?: string;
  collections: Record<string, CollectionActivity>;
}

/** Reads the server's statistics of the collections that `moves` chooses; writes nothing. */
export async function readActivity(
  opened: OpenSource,
  moves: (spec: CollectionSpec) => boolean,
): Promise<DatabaseActivity> {
  try {
    const specs = (await opened.source.collections()).filter(
      (spec) => spec.type !== "view" && moves(spec),
    );
    const names = specs.map(({ name }) => name);
    return { ...(await bestActivity(opened, names)), ...(await processOf(opened)) };
  } catch (error) {
    throw toFailure(error, { hosts: opened.hosts, action: "read the statistics of collections" });
  }
}

/** A server says by a code that it does not know a command, or that we may not use it. */
function refused(error: unknown): undefined {
  if (typeof codeOf(error) === "number") return undefined;
  throw error;
}

async function bestActivity(opened: OpenSource, names: readonly string[]) {
  return (
    (await latencyActivity(opened, names).catch(refused)) ??
    (await topActivity(opened, names).catch(refused)) ??
    (await sizeActivity(opened, names))
  );
}

/** From 3.4 on, with the role read: the server counts each collection's operations by itself. */
async function latencyActivity(opened: OpenSource, names: readonly string[]) {
  const collections: DatabaseActivity["collections"] = {};
  for (const name of names) {
    const stats = await collectionStats(opened, name);
    if (stats.length === 0) continue;
    collections[name] = {
      documents: sum(stats, ({ storageStats }) => documentsOf(storageStats)),
      bytes: sum(stats, ({ storageStats }) => storageStats?.size),
      writes: sum(stats, ({ latencyStats }) => latencyStats?.writes?.ops),
    };
  }
  return { evidence: "latencyStats" as const, collections };
}

/** Of a collection that was dropped meanwhile. */
const notFound = 26;

/** One document, or one of each shard. */
async function collectionStats({ command }: OpenSource, name: string): Promise<Document[]> {
  try {
    const pipeline = [{ $collStats: { latencyStats: {}, storageStats: {} } }];
    const reply = await command({ aggregate: name, pipeline, cursor: {} });
    return reply["cursor"].firstBatch;
  } catch (error) {
    if (codeOf(error) === notFound) return [];
    throw error;
  }
}

/** Time series have no count of their own. */
function documentsOf(stats: Document | undefined): unknown {
  return stats?.["count"] ?? stats?.["timeseries"]?.numMeasurementsCommitted;
}

function sum(stats: readonly Document[], value: (one: Document) => unknown): number {
  return stats.reduce((total, one) => total + Number(value(one) ?? 0), 0);
}

/** Every age of server counts so, but tells only who may watch over all of it. */
async function topActivity(opened: OpenSource, names: readonly string[]) {
  const { totals } = await opened.command({ top: 1 }, "admin");
  const { collections } = await sizeActivity(opened, names);
  for (const name of names) {
    const counts = totals?.[`${opened.source.name}.${name}`];
    const kinds = [counts?.insert, counts?.update, counts?.remove];
    const state = collections[name];
    if (state !== undefined) state.writes = sum(kinds, (kind) => kind?.["count"]);
  }
  return { evidence: "top" as const, collections };
}

async function sizeActivity({ source }: OpenSource, names: readonly string[]) {
  const collections: DatabaseActivity["collections"] = {};
  for (const name of names) {
    const { documents, bytes } = await source.size(name);
    collections[name] = { documents: documents || 0, bytes: bytes || 0 };
  }
  return { evidence: "size" as const, collections };
}

/**
 * From 4.4 on every client is told; before, who may ask for the server's status. Without it a
 * restart still shows by counters that begin anew.
 */
async function processOf({ source, command }: OpenSource): Promise<{ process?: string }> {
  const { processId } = source.facts;
  if (processId !== undefined) return { process: processId };
  const status = await command({ serverStatus: 1 }, "admin").catch(refused);
  return status === undefined ? {} : { process: `${status["host"]} ${status["pid"]}` };
}

export interface ConnectedClient {
  host: string;
  application?: string;
  connections: number;
}

/**
 * The other clients of a server, or those with our own user where it tells of no others; undefined
 * where it tells of none. Members of its replica set are not among them.
 */
export async function readConnected(opened: OpenSource): Promise<ConnectedClient[] | undefined> {
  const all = { currentOp: 1, $all: true };
  const reply =
    (await opened.command(all, "admin").catch(refused)) ??
    (await opened.command({ ...all, $ownOps: true }, "admin").catch(refused));
  const clients = new Map<string, ConnectedClient>();
  for (const one of reply?.["inprog"] ?? []) {
    if (typeof one.client !== "string" || isOurs(one) || isMember(one)) continue;
    const host = one.client.replace(/:\d+$/, "");
    const named = typeof one.appName === "string" ? { application: one.appName } : {};
    const key = JSON.stringify([host, named]);
    const known = clients.get(key) ?? { host, ...named, connections: 0 };
    clients.set(key, { ...known, connections: known.connections + 1 });
  }
  return reply === undefined ? undefined : [...clients.values()];
}

function isOurs({ appName }: Document): boolean {
  return appName === "migctl";
}

function isMember({ clientMetadata }: Document): boolean {
  const driver = String(clientMetadata?.driver?.name ?? "");
  return driver.startsWith("NetworkInterface") || driver === "MongoDB Internal Client";
}
