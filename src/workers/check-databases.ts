import { createHash } from "node:crypto";
import { MigrationError } from "../core/errors.ts";
import { type ConnectOptions, openCurrent, openSource, withCommands } from "../mongo/connect.ts";
import type { DatabaseRef, ServerFacts } from "../mongo/database.ts";
import { requireWritePrivileges } from "../mongo/privileges.ts";
import { isSameDatabase } from "../mongo/same-database.ts";
import { makeReader } from "../mongo/source-current.ts";
import { readUri } from "../mongo/uri.ts";
import { checkVersions } from "./check-versions.ts";

export interface CheckedDatabases {
  source: ServerFacts;
  destination: ServerFacts;
  /** What may go wrong later. */
  warnings: string[];
}

/** Both servers answer, are two, and the destination may and can take what the source has. */
export async function checkDatabases(
  sourceRef: DatabaseRef,
  destinationRef: DatabaseRef,
  options: ConnectOptions,
): Promise<CheckedDatabases> {
  const opened = await openSource(sourceRef, options);
  try {
    const target = await openCurrent(destinationRef, options);
    try {
      await requireWritePrivileges(target.db);
      const destination = withCommands(target, makeReader(target));
      if (await isSameDatabase(opened, destination)) throw sameDatabase(destinationRef);
      const { facts } = opened.source;
      const warnings = checkVersions(facts, target.facts);
      return { source: facts, destination: target.facts, warnings };
    } finally {
      await target.client.close();
    }
  } finally {
    await opened.source.close();
  }
}

function sameDatabase({ database }: DatabaseRef): MigrationError {
  return new MigrationError(
    "E_SAME_SERVER",
    `Source and destination are the same database "${database}" on the same server`,
    { hint: "Name the destination's server in --dest-uri-file; nothing was written" },
  );
}

/** Tells a folder and its database from any other; the same again in each run. */
export async function identityOf(dir: string, ref: DatabaseRef | undefined): Promise<string> {
  const parts = ["local", dir];
  if (ref !== undefined) parts.push((await readUri(ref)).hosts, ref.database);
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}
