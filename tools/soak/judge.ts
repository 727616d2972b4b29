import { isDeepStrictEqual } from "node:util";
import { dbHash, indexesOf, rsyncDifferences } from "../../test/support/peers.ts";
import type { Bed } from "./bed.ts";
import { type SeenStatus, sumViolations } from "./check-status.ts";
import { database } from "./data.ts";

/**
 * What is not as at the source, by programs that share nothing with the product: the server's own
 * hash of each collection, its indexes, and what rsync would still change.
 */
export async function judge({ source, destination }: Bed): Promise<string[]> {
  const sides = [source.mongod.adminUri, destination.mongod.adminUri];
  const [hashes, arrived] = await Promise.all(sides.map((uri) => dbHash(uri, database)));
  const [indexes, made] = await Promise.all(sides.map((uri) => indexesOf(uri, database)));
  const differences = await rsyncDifferences(source.dir, destination.volume.folder);
  return [
    ...different("the documents", hashes, arrived),
    ...different("the indexes", indexes, made),
    ...differences.filter(isOfContent).map((line) => `rsync would change ${line}`),
  ];
}

/** The root is the volume's own. */
function isOfContent(line: string): boolean {
  return !line.endsWith(" ./");
}

function different(
  what: string,
  source: Record<string, unknown> = {},
  destination: Record<string, unknown> = {},
): string[] {
  const names = new Set([...Object.keys(source), ...Object.keys(destination)]);
  return [...names]
    .filter((name) => !isDeepStrictEqual(source[name], destination[name]))
    .map((name) => `${what} of ${name} are not the source's`);
}

export async function countDocuments({ source }: Bed): Promise<Record<string, number>> {
  return await source.withClient(async (client) => {
    const counts: Record<string, number> = {};
    for (const { name } of await client.db(database).listCollections().toArray()) {
      counts[name] = await client.db(database).collection(name).countDocuments();
    }
    return counts;
  });
}

export function judgeSums(source: Record<string, number>, status: SeenStatus | undefined) {
  return status === undefined ? ["there is no status"] : sumViolations(source, status);
}
