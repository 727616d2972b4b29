import { z } from "zod";

const count = z.number().nonnegative();

const CollectionState = z.strictObject({
  /** Documents, and their uncompressed bytes, as the server's own statistics have them. */
  documents: count,
  bytes: count,
  /** Write operations since the server started, also those that changed nothing. */
  writes: count.optional(),
});
type CollectionState = z.infer<typeof CollectionState>;

/** How the server told of writes; the first is the best, the last misses what keeps the size. */
const evidences = ["latencyStats", "top", "size"] as const;

const DatabaseState = z.strictObject({
  evidence: z.enum(evidences),
  /** Changes with each start of the server, whose counters begin anew; not every server tells. */
  process: z.string().optional(),
  /** Those that move, by name. */
  collections: z.record(z.string(), CollectionState),
});

const FilesState = z.strictObject({
  entries: count,
  /** Of regular files. */
  bytes: count,
  /** The sum of all ctimes in nanoseconds, modulo 2^64: any change of any entry changes it. */
  ctimes: z.string(),
  /** The latest changes first; ctime in nanoseconds since 1970. */
  newest: z.array(z.strictObject({ path: z.string(), ctime: z.string() })),
  /** Folders and files that cannot be read: nothing is known of what is in them. */
  unreadable: count,
});

const Connected = z.strictObject({
  host: z.string(),
  /** As the client named itself. */
  application: z.string().optional(),
  connections: count,
});
export type Connected = z.infer<typeof Connected>;

/**
 * What of a source changes with every write: two equal ones, some seconds apart, mean that nobody
 * wrote in between. Reading changes nothing of it.
 */
export const Fingerprint = z.strictObject({
  version: z.literal(1),
  /** Where documents move. */
  database: DatabaseState.optional(),
  /** Where files move. */
  files: FilesState.optional(),
  /** Other clients of the server, where it tells; no part of the comparison. */
  connected: z.array(Connected).optional(),
});
export type Fingerprint = z.infer<typeof Fingerprint>;

/** What has changed from one fingerprint to the next one, in words; nothing where they are equal. */
export function changesBetween(before: Fingerprint, after: Fingerprint): string[] {
  return [
    ...databaseChanges(before.database, after.database),
    ...filesChanges(before.files, after.files),
  ];
}

type DatabaseState = z.infer<typeof DatabaseState>;
type FilesState = z.infer<typeof FilesState>;

function databaseChanges(
  before: DatabaseState | undefined,
  after: DatabaseState | undefined,
): string[] {
  if (before === undefined && after === undefined) return [];
  if (before === undefined || after === undefined) return ["the database was looked at only once"];
  if (before.process !== after.process) return ["the database server was restarted"];
  if (before.evidence !== after.evidence) return ["the database server tells of writes otherwise"];
  const names = new Set([...Object.keys(before.collections), ...Object.keys(after.collections)]);
  return [...names].sort().flatMap((name) => {
    const change = collectionChange(before.collections[name], after.collections[name]);
    return change === undefined ? [] : [`collection "${name}" (${change})`];
  });
}

function collectionChange(
  before: CollectionState | undefined,
  after: CollectionState | undefined,
): string | undefined {
  if (before === undefined || after === undefined) return before === undefined ? "new" : "gone";
  const changes = [
    difference(before.writes ?? 0, after.writes ?? 0, "write operations"),
    difference(before.documents, after.documents, "documents"),
    difference(before.bytes, after.bytes, "bytes"),
  ].filter((text) => text !== undefined);
  return changes.length === 0 ? undefined : changes.join(", ");
}

function filesChanges(before: FilesState | undefined, after: FilesState | undefined): string[] {
  if (before === undefined && after === undefined) return [];
  if (before === undefined || after === undefined) return ["the files were looked at only once"];
  const changes = [
    difference(before.entries, after.entries, "entries"),
    difference(before.bytes, after.bytes, "bytes"),
    difference(before.unreadable, after.unreadable, "unreadable"),
  ].filter((text) => text !== undefined);
  if (changes.length === 0 && before.ctimes === after.ctimes) return [];
  const known = new Set(before.newest.map(({ path, ctime }) => `${ctime} ${path}`));
  const changed = after.newest.filter(({ path, ctime }) => !known.has(`${ctime} ${path}`));
  const named = changed.map(({ path }) => `"${path}"`);
  const words = [...changes, ...(named.length > 0 ? [`newest ${named.join(", ")}`] : [])];
  return [`files (${words.length > 0 ? words.join("; ") : "times of change"})`];
}

function difference(before: number, after: number, what: string): string | undefined {
  if (before === after) return undefined;
  const change = after - before;
  return `${change > 0 ? "+" : "-"}${Math.abs(change)} ${what}`;
}
