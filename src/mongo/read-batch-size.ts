import type { CollectionSize } from "./database.ts";

/** What one reply should hold: large enough that round trips cost nothing, small for memory. */
const replyBytes = 4 * 1024 * 1024;
const mostDocuments = 100_000;

/** How many documents to ask for at once; the server itself stops at 16 MiB. */
export function batchSizeFor({ documents, bytes }: CollectionSize): number {
  const average = documents > 0 ? bytes / documents : 1024;
  return Math.min(mostDocuments, Math.max(1, Math.floor(replyBytes / Math.max(average, 1))));
}
