import {
  type Document,
  MongoClient,
  type MongoClientOptions,
  MongoCompatibilityError,
  ObjectId,
} from "mongodb";
import { codeOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { openLegacy, unknownVersion } from "./connect-legacy.ts";
import type { DatabaseRef, ServerFacts, SourceDatabase } from "./database.ts";
import { type CurrentConnection, makeReader } from "./source-current.ts";
import { toFailure } from "./source-failure.ts";
import { type LegacyConnection, makeLegacyReader } from "./source-legacy.ts";
import { type ConnectionUri, readUri } from "./uri.ts";

export interface ConnectOptions {
  signal?: AbortSignal;
  log?: Logger;
}

const selectionTimeoutMs = 10_000;

/** The oldest server that the current driver talks to is 4.2. */
const currentWire = 8;

const clientOptions = {
  appName: "migctl",
  readPreference: "primary",
  retryReads: true,
  serverSelectionTimeoutMS: selectionTimeoutMs,
  connectTimeoutMS: selectionTimeoutMs,
  maxPoolSize: 16,
} as const satisfies MongoClientOptions;

/** A source, and any command on its server. Both drivers stand behind it. */
export interface OpenSource {
  source: SourceDatabase;
  /** For messages: without credentials. */
  hosts: string;
  /** In the source's own database, unless another one is named. */
  command(command: Document, database?: string): Promise<Document>;
}

/** Opens a database to read from, by the driver that knows the server's version. */
export async function connectSource(
  ref: DatabaseRef,
  options: ConnectOptions = {},
): Promise<SourceDatabase> {
  return (await openSource(ref, options)).source;
}

/** As `connectSource`, for questions that are about the server itself. */
export async function openSource(
  ref: DatabaseRef,
  options: ConnectOptions = {},
): Promise<OpenSource> {
  const uri = await readUri(ref);
  try {
    const connection = await open(uri, ref.database, options);
    return withCommands(connection, makeReader(connection));
  } catch (error) {
    if (!(error instanceof MongoCompatibilityError)) throw connectFailure(uri, error);
    options.log?.info({ hosts: uri.hosts }, "Old server: using the driver for servers before 4.2");
  }
  const connection = await openOld(uri, ref.database);
  return withCommands(connection, makeLegacyReader(connection));
}

export function withCommands(
  { client, db, hosts }: CurrentConnection | LegacyConnection,
  source: SourceDatabase,
): OpenSource {
  return {
    ...{ source, hosts },
    command: (command, database) =>
      (database === undefined ? db : client.db(database)).command(command),
  };
}

/** A server that answered the one driver and cannot be reached by the other is known to neither. */
async function openOld(uri: ConnectionUri, database: string): Promise<LegacyConnection> {
  try {
    return await openLegacy(uri, database, currentWire);
  } catch (error) {
    const failure = connectFailure(uri, error);
    throw failure.code === "E_UNAVAILABLE" ? unknownVersion(uri.hosts, error) : failure;
  }
}

/** Opens a database by the current driver, which is the only one that writes. */
export async function openCurrent(
  ref: DatabaseRef,
  options: ConnectOptions = {},
): Promise<CurrentConnection> {
  const uri = await readUri(ref);
  try {
    return await open(uri, ref.database, options);
  } catch (error) {
    throw connectFailure(uri, error);
  }
}

function connectFailure({ hosts }: ConnectionUri, error: unknown) {
  return toFailure(error, { hosts, action: "connect" });
}

async function open(
  { uri, hosts }: ConnectionUri,
  database: string,
  { signal }: ConnectOptions,
): Promise<CurrentConnection> {
  signal?.throwIfAborted();
  const client = new MongoClient(uri, clientOptions);
  const close = () => client.close();
  signal?.addEventListener("abort", close, { once: true });
  try {
    await Promise.race([client.connect(), untilTooOld(client)]);
    return { client, db: client.db(database), facts: await readFacts(client), hosts };
  } catch (error) {
    await client.close();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", close);
  }
}

/** Rejects once a server says that it is too old, which the driver else hides for its time-out. */
function untilTooOld(client: MongoClient): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  client.on("serverDescriptionChanged", ({ newDescription: { error } }) => {
    if (error instanceof MongoCompatibilityError) reject(error);
  });
  return promise;
}

async function readFacts(client: MongoClient): Promise<ServerFacts> {
  const admin = client.db("admin");
  const hello = await admin.command({ isMaster: 1 });
  const { version } = await admin.command({ buildInfo: 1 });
  return {
    version: String(version),
    maxWireVersion: Number(hello["maxWireVersion"]),
    driver: "current",
    ...processIdOf(hello),
    ...(typeof hello["setName"] === "string" ? { setName: hello["setName"] } : {}),
    ...(await compatibilityOf((command) => admin.command(command))),
  };
}

function processIdOf(hello: Document): { processId?: string } {
  const id: unknown = hello["topologyVersion"]?.processId;
  return id instanceof ObjectId ? { processId: id.toHexString() } : {};
}

/** Only some roles may ask for it. */
async function compatibilityOf(
  command: (command: Document) => Promise<Document>,
): Promise<{ featureCompatibilityVersion?: string }> {
  try {
    const reply = await command({ getParameter: 1, featureCompatibilityVersion: 1 });
    const version: unknown = reply["featureCompatibilityVersion"]?.version;
    return typeof version === "string" ? { featureCompatibilityVersion: version } : {};
  } catch (error) {
    if (typeof codeOf(error) === "number") return {};
    throw error;
  }
}
