import type { FileDestination } from "./destination.ts";

/** A destination that asks `guard` right before whatever writes there, or lets others write. */
export function guardedDestination(
  destination: FileDestination,
  guard: () => Promise<void>,
): FileDestination {
  const { placeFolders } = destination;
  function guarded<A extends unknown[], R>(call: (...args: A) => Promise<R>) {
    return async (...args: A): Promise<R> => {
      await guard();
      return await call(...args);
    };
  }
  return {
    ...destination,
    makeTemporary: guarded(destination.makeTemporary),
    removeTemporary: guarded(destination.removeTemporary),
    rsync: guarded(destination.rsync),
    unpack: guarded(destination.unpack),
    place: guarded(destination.place),
    ...(placeFolders === undefined ? {} : { placeFolders: guarded(placeFolders) }),
    remove: guarded(destination.remove),
    clear: guarded(destination.clear),
  };
}
