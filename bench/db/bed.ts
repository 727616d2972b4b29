import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { type MongoTools, provideMongoTools } from "../../test/support/mongo-tools.ts";
import { type RunningMongod, startMongod } from "../../test/support/mongod.ts";
import { makeDir, removeTree } from "../../test/support/temp-dir.ts";
import { say } from "../common/compare.ts";
import { makeDeliveredPrograms, type Programs } from "../common/programs.ts";
import { fillSource } from "./fill-source.ts";
import { makeShapes, type Shape } from "./shapes.ts";

/** Two servers, the first one full and the second one empty, and everything that is run on them. */
export interface Bed {
  folder: string;
  database: string;
  shapes: Shape[];
  scale: number;
  programs: Programs;
  tools: MongoTools;
  source: Server;
  destination: Server;
  close(): Promise<void>;
}

export interface Server {
  uri: string;
  uriFile: string;
  client: MongoClient;
  readonly pid: number;
  /** What a migration takes for its data folder; this benchmark has no files. */
  dataDir: string;
}

const database = "bench";
const seed = 1;
/** Enough for all of it, as a server has that holds what it serves in memory. */
const cacheGigabytes = 2;

export async function makeBed(scale: number): Promise<Bed> {
  const tools = await provideMongoTools();
  if ("missing" in tools) throw new Error(tools.missing);
  const folder = makeDir();
  const started: RunningMongod[] = [];
  const clients: MongoClient[] = [];
  async function start(name: string): Promise<Server> {
    const mongod = await startMongod({ version: "6.0", cacheGigabytes });
    started.push(mongod);
    const client = await MongoClient.connect(mongod.uri);
    clients.push(client);
    const dataDir = join(folder, name);
    mkdirSync(dataDir);
    const uriFile = join(folder, `${name}.uri`);
    writeFileSync(uriFile, mongod.uri, { mode: 0o600 });
    return { uri: mongod.uri, uriFile, client, pid: mongod.pid, dataDir };
  }
  async function close() {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(started.map((mongod) => mongod.stop()));
    removeTree(folder);
  }
  try {
    const programs = await makeDeliveredPrograms(join(folder, "programs"));
    const source = await start("source");
    const destination = await start("destination");
    const shapes = makeShapes(seed);
    say(`Filling the source with ${scale} of the data ...`);
    await fillSource({ uri: source.uri, database }, shapes, scale);
    return { folder, database, shapes, scale, programs, tools, source, destination, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function dropDestination({ destination, database: name }: Bed): Promise<void> {
  await destination.client.db(name).dropDatabase();
}
