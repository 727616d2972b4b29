import type { Document, MongoClient } from "mongodb";
import { onTestFinished } from "vitest";

/** Has the server fail commands of ours, until the running test ends. */
export async function failCommands(client: MongoClient, mode: unknown, data: Document) {
  await failPoint(client, "failCommand", mode, { ...data, appName: "migctl" });
}

/** Turns on a fail point of the server until the running test ends, or the returned call. */
export async function failPoint(
  client: MongoClient,
  name: string,
  mode: unknown,
  data: Document = {},
): Promise<() => Promise<void>> {
  const admin = client.db("admin");
  await admin.command({ configureFailPoint: name, mode, data });
  const off = async () => {
    await admin.command({ configureFailPoint: name, mode: "off" });
  };
  onTestFinished(off);
  return off;
}

/** Has the server refuse all writes of users until the running test ends, or the returned call. */
export async function blockWrites(client: MongoClient): Promise<() => Promise<void>> {
  const admin = client.db("admin");
  await admin.command({ setUserWriteBlockMode: 1, global: true });
  const release = async () => {
    await admin.command({ setUserWriteBlockMode: 1, global: false });
  };
  onTestFinished(release);
  return release;
}

/** How many insert commands the server has had since its start. */
export async function inserts(client: MongoClient): Promise<number> {
  const status = await client.db("admin").command({ serverStatus: 1 });
  return Number(status["metrics"].commands.insert.total);
}
