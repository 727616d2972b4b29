/** What writes into the folders for unfinished things, so that nothing of a lost run goes on. */
export interface BusyFolders {
  /** Its signal is aborted when the folder is to be left. */
  work<T>(
    folder: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Ends all that works in the folder, and waits for it. */
  leave(folder: string): Promise<void>;
  leaveAll(): Promise<void>;
}

interface Work {
  folder: string;
  stop: AbortController;
  ended: Promise<unknown>;
}

export function makeBusyFolders(): BusyFolders {
  const works = new Set<Work>();
  async function end(ending: Work[]) {
    for (const { stop } of ending) stop.abort();
    await Promise.allSettled(ending.map(({ ended }) => ended));
  }
  return {
    async work(folder, signal, run) {
      const stop = new AbortController();
      const ended = run(AbortSignal.any([signal, stop.signal]));
      const work = { folder, stop, ended };
      works.add(work);
      try {
        return await ended;
      } finally {
        works.delete(work);
      }
    },
    leave: (folder) => end([...works].filter((work) => work.folder === folder)),
    leaveAll: () => end([...works]),
  };
}
