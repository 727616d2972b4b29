import type { RawBatch } from "./bson-walk.ts";
import type { CurrentConnection } from "./source-current.ts";
import { findAndModify } from "./write-replace.ts";
import type { WriteSettings } from "./write-settings.ts";

export interface Removal {
  collection: string;
  expected: Buffer;
}

/**
 * Removes a document in one atomic command whose condition is the whole document that was compared.
 * As with a replacement the server's answer is compared byte for byte as well, and what was another
 * document is put back.
 */
export async function removeExactly(
  connection: CurrentConnection,
  settings: WriteSettings,
  { collection, expected }: Removal,
  insert: (batch: RawBatch) => Promise<unknown>,
): Promise<boolean> {
  const before = await findAndModify(connection, settings, {
    ...{ collection, expected, otherBytes: 0, change: { remove: true } },
  });
  if (before === undefined) return false;
  if (before.equals(expected)) return true;
  await insert({ data: before, count: 1 });
  return false;
}
