import { writeFileSync } from "node:fs";
import { MongoClient } from "mongodb";
import { type RunningMongod, startMongod } from "../../test/support/mongod.ts";
import { type Relay, startRelay } from "./relay.ts";

/** A real database server, reached by the product through a relay and by the oracle without it. */
export interface Server {
  mongod: RunningMongod;
  relay: Relay;
  /** With the URI that leads through the relay. */
  uriFile: string;
  withClient<T>(work: (client: MongoClient) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export async function startServer(folder: string): Promise<Server> {
  const mongod = await startMongod({ version: "6.0", auth: true, dbPath: folder });
  const relay = await startRelay(mongod.port);
  const uriFile = `${folder}.uri`;
  const uri = mongod.adminUri.replace(`:${mongod.port}/`, `:${relay.port}/`);
  writeFileSync(uriFile, `${uri}\n`, { mode: 0o600 });
  return {
    mongod,
    relay,
    uriFile,
    async withClient(work) {
      const client = await MongoClient.connect(mongod.adminUri);
      try {
        return await work(client);
      } finally {
        await client.close();
      }
    },
    async stop() {
      relay.close();
      await mongod.stop();
    },
  };
}
