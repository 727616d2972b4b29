import type { Db, Document } from "mongodb";
import { MigrationError } from "../core/errors.ts";

/** What the destination's user must be allowed to do in its database; a lock is dropped at last. */
const writeActions = [
  ...["find", "insert", "update", "listCollections", "listIndexes"],
  ...["createCollection", "createIndex", "dropCollection", "collStats"],
];

/**
 * Throws E_PERMISSION naming the actions that the logged-in user lacks in the database. A server
 * without access control allows everything, and so does one that does not tell.
 */
export async function requireWritePrivileges(db: Db): Promise<void> {
  const { authInfo } = await db.command({ connectionStatus: 1, showPrivileges: true });
  const users: Document[] = authInfo?.authenticatedUsers ?? [];
  if (users.length === 0) return;
  const allowed = new Set<string>();
  const partly = new Set<string>();
  for (const { resource, actions } of authInfo?.authenticatedUserPrivileges ?? []) {
    const granted = coversDatabase(resource, db.databaseName) ? allowed : partly;
    if (granted === partly && resource.db !== db.databaseName) continue;
    for (const action of actions) granted.add(String(action));
  }
  const missing = writeActions.filter(
    (action) => !allowed.has(action) && !allowed.has("anyAction"),
  );
  if (missing.length === 0) return;
  const user = String(users[0]?.["user"]);
  const inPart = missing.some((action) => partly.has(action)) ? ", but in single collections" : "";
  throw new MigrationError(
    "E_PERMISSION",
    `User "${user}" may not ${missing.join(", ")} in database "${db.databaseName}"${inPart}`,
    {
      hint: `Grant it: db.grantRolesToUser("${user}", [{role: "readWrite", db: "${db.databaseName}"}])`,
    },
  );
}

function coversDatabase(resource: Document, database: string): boolean {
  if (resource["anyResource"] === true) return true;
  const names = resource["db"] === "" || resource["db"] === database;
  return names && resource["collection"] === "";
}
