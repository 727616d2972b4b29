import { randomBytes } from "node:crypto";
import { MongoClient } from "mongodb";
import { expect } from "vitest";
import type { Oracle } from "../fixtures/server/oracle.ts";
import type { ClusterBed } from "./cluster-bed.ts";
import { expectedHashes } from "./migration.ts";
import { rsyncDifferences } from "./peers.ts";
import { readHashes } from "./read-documents.ts";
import type { RunningStandIn } from "./stand-in-release.ts";

const bulk = "BulkDocuments";

/** Documents of 4 KB that no compression makes smaller: work on them takes its time. */
export async function insertBulk({ uri, release }: RunningStandIn, count: number) {
  const client = new MongoClient(uri);
  try {
    const collection = client.db(release.database).collection(bulk);
    for (let from = 0; from < count; from += 2000) {
      const size = Math.min(2000, count - from);
      const documents = Array.from({ length: size }, (_, index) => ({
        ...{ number: from + index, content: randomBytes(4096) },
      }));
      await collection.insertMany(documents);
    }
  } finally {
    await client.close();
  }
}

/** Asks the independent oracles whether the destination has every file and every document. */
export async function expectEqualData({ source, destination }: ClusterBed, oracle: Oracle) {
  const [from, to] = await Promise.all(
    [source, destination].map(({ uri, release }) => readHashes(uri, release.database)),
  );
  const { [bulk]: sent } = from ?? {};
  const { [bulk]: arrived, ...rest } = to ?? {};
  expect(rest).toEqual(expectedHashes(oracle.scopes.server));
  expect(Object.keys(arrived ?? {})).toHaveLength(Object.keys(sent ?? {}).length);
  expect(arrived).toEqual(sent);
  const exclude = ["/logs", "/._init", "/lost+found"];
  const differences = await rsyncDifferences(source.data, destination.data, { exclude });
  expect(differences.filter(isOfContent)).toEqual([]);
}

/** Owners, groups and modes are the destination's own, where it lets nobody be root. */
function isOfContent(line: string): boolean {
  return !/^\.(?:d|[fLDS]\.\.\.)/.test(line);
}
