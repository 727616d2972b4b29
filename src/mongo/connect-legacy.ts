import type { Document } from "mongodb";
import { MigrationError } from "../core/errors.ts";
import type { ServerFacts } from "./database.ts";
import { type LegacyClient, loadLegacyDriver } from "./legacy-driver.ts";
import { toFailure } from "./source-failure.ts";
import type { LegacyConnection } from "./source-legacy.ts";
import { type ConnectionUri, hasUriOption } from "./uri.ts";

/** How many milliseconds to look for a server that can be used. */
export const defaultSelectionMs = 10_000;

/** Opens a source by the old driver, if its wire version is below `limit`. */
export async function openLegacy(
  { uri, hosts }: ConnectionUri,
  database: string,
  limit: number,
  selectionMs = defaultSelectionMs,
): Promise<LegacyConnection> {
  if (hasUriOption(uri, "proxyHost")) throw noProxy(hosts);
  const { MongoClient } = loadLegacyDriver();
  const client = new MongoClient(uri, {
    useUnifiedTopology: true,
    useNewUrlParser: true,
    serverSelectionTimeoutMS: selectionMs,
    appname: "migctl",
    readPreference: "primary",
  });
  try {
    await client.connect();
    const facts = await readFacts(client);
    if (facts.maxWireVersion >= limit) throw unknownVersion(hosts);
    return { client, db: client.db(database), facts, hosts };
  } catch (error) {
    await client.close();
    throw toFailure(error, { hosts, action: "connect" });
  }
}

async function readFacts(client: LegacyClient): Promise<ServerFacts> {
  const admin = client.db("admin");
  const hello: Document = await admin.command({ isMaster: 1 });
  const { version }: Document = await admin.command({ buildInfo: 1 });
  return {
    version: String(version),
    // Absent before 2.6.
    maxWireVersion: Number(hello["maxWireVersion"] ?? 0),
    driver: "legacy",
    ...(typeof hello["setName"] === "string" ? { setName: hello["setName"] } : {}),
  };
}

/** It would pass over the option in silence and connect from here. */
function noProxy(hosts: string): MigrationError {
  return new MigrationError(
    "E_URI",
    `The server at "${hosts}" is older than 4.2, and the driver for it knows no proxy`,
    { hint: "A source of that age is read directly: remove proxyHost, or use --source-ssh" },
  );
}

export function unknownVersion(hosts: string, cause?: unknown): MigrationError {
  const message = `The server at "${hosts}" has a version that no driver here can talk to`;
  const hint = "See the supported versions in the documentation";
  return new MigrationError("E_VERSION", message, { hint, cause });
}
