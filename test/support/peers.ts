import { execa } from "execa";
import { MongoClient } from "mongodb";

/**
 * What the server itself says about a database's contents: the hash of each collection. Views
 * are left out, as what is stored of them holds the database's name.
 */
export async function dbHash(uri: string, db: string): Promise<Record<string, string>> {
  const client = new MongoClient(uri);
  try {
    const reply = await client.db(db).command({ dbHash: 1 });
    const { "system.views": _views, ...collections } = reply["collections"];
    return collections;
  } finally {
    await client.close();
  }
}

/** The indexes of each collection as the server lists them; `dbHash` does not see these. */
export async function indexesOf(uri: string, db: string): Promise<Record<string, unknown[]>> {
  const client = new MongoClient(uri);
  try {
    const found: Record<string, unknown[]> = {};
    const collections = client.db(db).listCollections({ type: "collection" });
    for await (const { name } of collections) {
      // Nobody may list those of the server's own.
      if (name.startsWith("system.")) continue;
      const indexes = await client.db(db).collection(name).listIndexes().toArray();
      found[name] = indexes.sort((a, b) => (a["name"] < b["name"] ? -1 : 1));
    }
    return found;
  } finally {
    await client.close();
  }
}

export interface RsyncOptions {
  /** Patterns as rsync's --exclude takes them. */
  exclude?: string[];
  /** Also lists what only the target has; on unless said otherwise. */
  extra?: boolean;
}

/**
 * What rsync would still change to make `target` like `source` in content, owner, mode, times,
 * links, ACLs and extended attributes: one line each, none where they are alike.
 */
export async function rsyncDifferences(
  source: string,
  target: string,
  options: RsyncOptions = {},
): Promise<string[]> {
  const args = ["-naicHAXS", "--numeric-ids", ...((options.extra ?? true) ? ["--delete"] : [])];
  for (const pattern of options.exclude ?? []) args.push(`--exclude=${pattern}`);
  const { stdout } = await execa("rsync", [...args, `${source}/`, `${target}/`]);
  return stdout.split("\n").filter((line) => line !== "");
}
