import type { FileHandle } from "node:fs/promises";

/** What waits for the disk at most before it is asked to begin. */
const syncBytes = 32 * 1024 * 1024;

/** Has the disk work while a long file is written, so that there is little to wait for in the end. */
export interface EarlySync {
  /** Throws where an earlier part did not reach the disk. */
  wrote(bytes: number): void;
}

export function makeEarlySync(file: FileHandle): EarlySync {
  let waiting = 0;
  let isBusy = false;
  let failure: { error: unknown } | undefined;
  async function sync() {
    isBusy = true;
    try {
      await file.datasync();
    } catch (error) {
      failure = { error };
    }
    isBusy = false;
  }
  return {
    wrote(bytes) {
      if (failure !== undefined) throw failure.error;
      waiting += bytes;
      if (waiting < syncBytes || isBusy) return;
      waiting = 0;
      void sync();
    },
  };
}
