import { createRequire } from "node:module";

/** The small part that is used of mongodb@3.7.4, which has no types of its own. */
export interface LegacyDriver {
  MongoClient: new (uri: string, options: LegacyClientOptions) => LegacyClient;
}

export interface LegacyClient {
  connect(): Promise<LegacyClient>;
  db(name: string): LegacyDb;
  close(): Promise<void>;
}

export interface LegacyDb {
  readonly databaseName: string;
  collection(name: string): LegacyCollection;
  command(command: object): Promise<Record<string, unknown>>;
  command(command: object, options: { raw: true }): Promise<Buffer>;
}

interface LegacyCollection {
  find(query: unknown, options: LegacyFindOptions): AsyncIterable<Buffer>;
}

interface LegacyFindOptions {
  raw: true;
  batchSize?: number;
  projection?: unknown;
  sort?: unknown;
  hint?: unknown;
  min?: unknown;
  collation?: unknown;
}

interface LegacyClientOptions {
  useUnifiedTopology: true;
  useNewUrlParser: true;
  serverSelectionTimeoutMS: number;
  appname: string;
  readPreference: "primary";
}

interface LegacyCore {
  BSON: new () => { serialize(document: object, options: { ignoreUndefined: false }): Buffer };
}

/** The bytes that the driver sends of a document; throws where it cannot. */
export function encodeLegacy(document: object): Buffer {
  const { BSON }: LegacyCore = createRequire(import.meta.url)("mongodb-legacy/lib/core");
  return new BSON().serialize(document, { ignoreUndefined: false });
}

/** Loads the driver when it is needed, which is rare, and takes a while. */
export function loadLegacyDriver(): LegacyDriver {
  return createRequire(import.meta.url)("mongodb-legacy");
}
