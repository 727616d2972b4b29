import type { Document } from "mongodb";
import { codeOf } from "../core/errors.ts";
import type { LockPlace } from "../core/lock-place.ts";
import { type ConnectOptions, openCurrent } from "./connect.ts";
import type { DatabaseRef } from "./database.ts";
import { requireWritePrivileges } from "./privileges.ts";
import { lockPrefix } from "./source-catalog.ts";
import type { CurrentConnection } from "./source-current.ts";
import { toFailure } from "./source-failure.ts";

export interface DatabaseLocks extends LockPlace {
  /** For messages: the server and the database, without credentials. */
  readonly label: string;
  close(): Promise<void>;
}

/**
 * Locks in a database, each a collection of its own: none can be dropped in place of another, and
 * nothing is left of the last one.
 */
export async function openLockCollections(
  ref: DatabaseRef,
  options: ConnectOptions = {},
): Promise<DatabaseLocks> {
  const connection = await openCurrent(ref, options);
  const { client, db, hosts } = connection;
  const run = (action: string, command: Document) => execute(connection, action, command);
  try {
    await requireWritePrivileges(db);
  } catch (error) {
    await client.close();
    throw toFailure(error, { hosts, action: "read its privileges" });
  }
  return {
    label: `${hosts}/${db.databaseName}`,
    async names() {
      const filter = { name: { $regex: `^${lockPrefix.replaceAll(".", "\\.")}` } };
      const list = { listCollections: 1, filter, nameOnly: true, cursor: { batchSize: 1000 } };
      const { cursor } = await run("list the locks", list);
      return cursor.firstBatch.map(({ name }: Document) => String(name).slice(lockPrefix.length));
    },
    async read(name) {
      const find = { find: lockPrefix + name, limit: 1, singleBatch: true };
      const { cursor } = await run("read a lock", find);
      return cursor.firstBatch[0]?.["text"];
    },
    async create(name, text) {
      await run("make a lock", update(name, text, { upsert: true }));
    },
    async write(name, text) {
      const { n } = await run("keep a lock alive", update(name, text, { upsert: false }));
      return n === 1;
    },
    async remove(name) {
      await run("remove a lock", { drop: lockPrefix + name, writeConcern });
    },
    close: () => client.close(),
  };
}

const patienceMs = 20_000;
const writeConcern = { w: "majority", j: true, wtimeout: patienceMs };

function update(name: string, text: string, { upsert }: { upsert: boolean }): Document {
  const one = { q: { _id: "lock" }, u: { $set: { text } }, upsert };
  return { update: lockPrefix + name, updates: [one], writeConcern };
}

const notFound = 26;

async function execute(
  { db, hosts }: CurrentConnection,
  action: string,
  command: Document,
): Promise<Document> {
  try {
    const signal = AbortSignal.timeout(2 * patienceMs);
    const reply = await db.command(command, { signal });
    const failed = reply["writeErrors"]?.[0];
    if (failed !== undefined) throw Object.assign(new Error(failed.errmsg), { code: failed.code });
    return reply;
  } catch (error) {
    if (codeOf(error) === notFound) return {};
    throw toFailure(error, { hosts, action });
  }
}
