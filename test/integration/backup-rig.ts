import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import { onTestFinished } from "vitest";
import type { Progress } from "../../src/core/progress.ts";
import { openArchive } from "../../src/mongo/archive/open.ts";
import { documentsOf } from "../../src/mongo/bson-walk.ts";
import type { CollectionSelection } from "../../src/mongo/database.ts";
import { writeSelection } from "../../src/mongo/selection.ts";
import type { WorkerContext } from "../../src/workers/context.ts";
import { backupDatabase } from "../../src/workers/db-backup.ts";
import type { RunningMongod } from "../support/mongod.ts";
import { workerContext } from "../support/restore-bed.ts";
import { tempDir } from "../support/temp-dir.ts";

export const database = "DLAAS";

interface Given {
  names: string[];
  /** Of each of the collections. */
  filters?: Buffer[];
  folder?: string;
  compression?: "deflate" | "store";
  context?: Partial<WorkerContext>;
  onReport?: (progress: Progress) => void;
}

/** One backup; its archive `a.zip` is opened, and everything that was reported is kept. */
export async function backUp(server: RunningMongod, given: Given) {
  const reports: Progress[] = [];
  const report = (progress: Progress) => {
    reports.push(progress);
    given.onReport?.(progress);
  };
  const input = await inputFor(server, given);
  const output = await backupDatabase(input, workerContext({ ...given.context, report }));
  const archive = await openArchive(input.archive);
  onTestFinished(() => archive.close());
  return { output, archive, path: input.archive, reports };
}

export async function inputFor(server: RunningMongod, given: Given) {
  const { names, filters = [], folder = tempDir(), compression = "deflate" } = given;
  const selection = join(tempDir(), "selection.bson");
  const parts: CollectionSelection[] = names.map((collection) => ({ collection, filters }));
  await writeSelection(selection, parts);
  return { source: uriOf(server), selection, archive: join(folder, "a.zip"), compression };
}

export function uriOf(server: RunningMongod) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, server.uri);
  return { uriFile, database };
}

export async function wholeOf(batches: AsyncIterable<{ data: Buffer }>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const { data } of batches) parts.push(data);
  return Buffer.concat(parts);
}

/** The same for two lots of documents that differ in their order alone. */
export function sortedHashes(data: Buffer): string[] {
  const hashes: string[] = [];
  for (const document of documentsOf({ data, count: 0 })) {
    hashes.push(createHash("sha256").update(document).digest("hex"));
  }
  return hashes.sort();
}

export async function withDb<T>(server: RunningMongod, work: (db: Db) => Promise<T>): Promise<T> {
  const client = new MongoClient(server.uri);
  try {
    return await work(client.db(database));
  } finally {
    await client.close();
  }
}

/** Lets commands of the program fail as `data` says. */
export async function failCommands(server: RunningMongod, mode: object | "off", data: object = {}) {
  const client = new MongoClient(server.adminUri);
  try {
    const point = { configureFailPoint: "failCommand", mode, data: { ...data, appName: "migctl" } };
    await client.db("admin").command(point);
  } finally {
    await client.close();
  }
}
