/** The first patch release of each series that takes `bypassEmptyTsReplacement`. */
const firstPatches: Record<string, number> = { "5.0": 29, "6.0": 17, "7.0": 13 };

/**
 * Whether a server of this version stores a top-level `Timestamp(0, 0)` as it is when asked to;
 * others put their own time in its place.
 */
export function knowsEmptyTimestamps(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  if (major >= 8) return true;
  const first = firstPatches[`${major}.${minor}`];
  return first !== undefined && patch >= first;
}
