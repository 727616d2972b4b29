import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { isFull, noSpace } from "../core/no-space.ts";

/** Room for the last words on a full volume. */
const reservedBytes = 1024 * 1024;

export interface Reserve {
  /** Does `write`; on a full volume gives the reserved room up and does it once more. */
  spend<T>(write: () => Promise<T>): Promise<T>;
}

export async function openReserve(folder: string): Promise<Reserve> {
  const path = join(folder, "reserve");
  await fill(path);
  return {
    async spend(write) {
      try {
        return await write();
      } catch (error) {
        if (!isFull(error)) throw error;
      }
      await rm(path, { force: true });
      try {
        return await write();
      } catch (error) {
        throw isFull(error) ? noSpace({ what: "the state", folder }, error) : error;
      }
    },
  };
}

/** A volume that is full from the start has no reserve; the first write will tell. */
async function fill(path: string) {
  try {
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    );
    if (size !== reservedBytes) await writeFileAtomic(path, Buffer.alloc(reservedBytes, 0x2e));
  } catch (error) {
    if (!isFull(error)) throw error;
    await rm(`${path}.tmp`, { force: true });
  }
}
