/** Runs `work` for every item, two at once; all that began has ended when it returns or throws. */
export async function twoAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>) {
  const queue = items.values();
  let failed = false;
  async function drain() {
    for (const item of queue) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }
  const ends = await Promise.allSettled([drain(), drain()]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
