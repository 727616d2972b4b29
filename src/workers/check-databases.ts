import { createHash } from "node:crypto";
import { MigrationError } from "../core/errors.ts";
import { type ConnectOptions, connectSource, openCurrent } from "../mongo/connect.ts";
import type { DatabaseRef, ServerFacts, SourceDatabase } from "../mongo/database.ts";
import { requireWritePrivileges } from "../mongo/privileges.ts";
import { readUri } from "../mongo/uri.ts";

export interface CheckedDatabases {
  source: ServerFacts;
  destination: ServerFacts;
}

/** Both servers answer, are two, and the destination may and can take what the source has. */
export async function checkDatabases(
  sourceRef: DatabaseRef,
  destinationRef: DatabaseRef,
  options: ConnectOptions,
): Promise<CheckedDatabases> {
  const source = await connectSource(sourceRef, options);
  try {
    const target = await openCurrent(destinationRef, options);
    try {
      await requireWritePrivileges(target.db);
      await refuseSameDatabase(source, { ref: destinationRef, facts: target.facts, options });
      refuseOlder(source.facts, target.facts);
      return { source: source.facts, destination: target.facts };
    } finally {
      await target.client.close();
    }
  } finally {
    await source.close();
  }
}

interface Side {
  ref: DatabaseRef;
  facts: ServerFacts;
  options: ConnectOptions;
}

/** Told by the server's own identity, as one server has many names. */
async function refuseSameDatabase(source: SourceDatabase, destination: Side) {
  const { ref, facts, options } = destination;
  if (ref.database !== source.name) return;
  const { processId } = source.facts;
  const tells = processId !== undefined && facts.processId !== undefined;
  const same = tells ? processId === facts.processId : await shareCollections(source, ref, options);
  if (!same) return;
  throw new MigrationError(
    "E_SAME_SERVER",
    `Source and destination are the same database "${ref.database}" on the same server`,
    { hint: "Name the destination's server in --dest-uri-file; nothing was written" },
  );
}

/** A collection's UUID is given once: two databases that share one are the same. */
async function shareCollections(
  source: SourceDatabase,
  ref: DatabaseRef,
  options: ConnectOptions,
): Promise<boolean> {
  const destination = await connectSource(ref, options);
  try {
    const uuids = new Set((await source.collections()).map(({ uuid }) => uuid));
    uuids.delete(undefined);
    return (await destination.collections()).some(({ uuid }) => uuids.has(uuid));
  } finally {
    await destination.close();
  }
}

function refuseOlder(source: ServerFacts, destination: ServerFacts) {
  if (releaseOf(destination.version) >= releaseOf(source.version)) return;
  throw new MigrationError(
    "E_VERSION",
    `The destination's MongoDB ${destination.version} is older than the source's ${source.version}`,
    { hint: "Upgrade the destination's MongoDB to the source's release or a later one first" },
  );
}

/** 4.2.6 -> 4002: patch releases do not matter. */
function releaseOf(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major * 1000 + minor;
}

/** Tells a folder and its database from any other; the same again in each run. */
export async function identityOf(dir: string, ref: DatabaseRef | undefined): Promise<string> {
  const parts = ["local", dir];
  if (ref !== undefined) parts.push((await readUri(ref)).hosts, ref.database);
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}
