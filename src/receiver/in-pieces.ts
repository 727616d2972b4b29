const itemsPerCall = 2000;
const bytesPerCall = 1024 * 1024;

/** One call for each piece of a long list, so that no record grows without bound. */
export async function inPieces<T, R>(
  all: readonly T[],
  pathOf: (item: T) => Buffer,
  work: (piece: T[]) => Promise<R[]>,
): Promise<R[]> {
  const results: R[] = [];
  let piece: T[] = [];
  let bytes = 0;
  for (const [at, item] of all.entries()) {
    piece.push(item);
    bytes += pathOf(item).length;
    if (at + 1 < all.length && piece.length < itemsPerCall && bytes < bytesPerCall) continue;
    results.push(...(await work(piece)));
    piece = [];
    bytes = 0;
  }
  return results;
}
