import {
  type Document,
  MongoClient,
  type MongoClientOptions,
  MongoCompatibilityError,
  ObjectId,
} from "mongodb";
import { codeOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { defaultSelectionMs, openLegacy, unknownVersion } from "./connect-legacy.ts";
import type { DatabaseRef, ServerFacts, SourceDatabase } from "./database.ts";
import { type CurrentConnection, makeReader } from "./source-current.ts";
import { toFailure } from "./source-failure.ts";
import { type LegacyConnection, makeLegacyReader } from "./source-legacy.ts";
import { explainTls } from "./tls-failure.ts";
import { readTlsSettings, type TlsSettings } from "./tls-settings.ts";
import { type ConnectionUri, readUri } from "./uri.ts";

export interface ConnectOptions {
  signal?: AbortSignal;
  log?: Logger;
  /** How many milliseconds the server may take for one reply to a reader; ten minutes by default. */
  readMs?: number | undefined;
  /** How many milliseconds to look for a server that can be used; ten seconds by default. */
  selectionMs?: number;
}

/** The oldest server that the current driver talks to is 4.2. */
const currentWire = 8;

const clientOptions = {
  appName: "migctl",
  readPreference: "primary",
  retryReads: true,
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
  const uri = await readPlace(ref);
  try {
    const connection = await open(uri, ref.database, options);
    return withCommands(connection, makeReader(connection));
  } catch (error) {
    if (!(error instanceof MongoCompatibilityError)) throw await connectFailure(uri, error);
    options.log?.info({ hosts: uri.hosts }, "Old server: using the driver for servers before 4.2");
  }
  const connection = await openOld(uri, ref.database, options);
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
async function openOld(
  uri: Place,
  database: string,
  { selectionMs }: ConnectOptions,
): Promise<LegacyConnection> {
  try {
    return await openLegacy(uri, database, currentWire, selectionMs);
  } catch (error) {
    const failure = await connectFailure(uri, error);
    throw failure.code === "E_UNAVAILABLE" ? unknownVersion(uri.hosts, error) : failure;
  }
}

/** Opens a database by the current driver, which is the only one that writes. */
export async function openCurrent(
  ref: DatabaseRef,
  options: ConnectOptions = {},
): Promise<CurrentConnection> {
  const uri = await readPlace(ref);
  try {
    return await open(uri, ref.database, options);
  } catch (error) {
    throw await connectFailure(uri, error);
  }
}

type Place = ConnectionUri & { tls: TlsSettings };

/** What the URI's files hold is checked before a server is bothered with it. */
async function readPlace(ref: DatabaseRef): Promise<Place> {
  const uri = await readUri(ref);
  return { ...uri, tls: await readTlsSettings(uri) };
}

async function connectFailure({ hosts, uri, tls }: Place, error: unknown) {
  const failure = toFailure(error, { hosts, action: "connect" });
  return await explainTls(failure, { uri, tls, now: Date.now() });
}

async function open(
  { uri, hosts }: ConnectionUri,
  database: string,
  { signal, readMs, selectionMs = defaultSelectionMs }: ConnectOptions,
): Promise<CurrentConnection> {
  signal?.throwIfAborted();
  const patience = { serverSelectionTimeoutMS: selectionMs, connectTimeoutMS: selectionMs };
  const client = new MongoClient(uri, { ...clientOptions, ...patience });
  const close = () => client.close();
  signal?.addEventListener("abort", close, { once: true });
  try {
    await Promise.race([client.connect(), untilTooOld(client)]);
    const facts = await readFacts(client);
    return { client, db: client.db(database), facts, hosts, readMs };
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
