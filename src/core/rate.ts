/** KiB each second, as rsync's --bwlimit reads it; 0 is no limit. */
const units: Record<string, number> = {
  "": 1,
  k: 1,
  m: 1024,
  g: 1024 * 1024,
  kb: 1000 / 1024,
  mb: 1_000_000 / 1024,
};

/**
 * "500", "500K", "1.5M", "2MB" as KiB each second; undefined for anything else, and for less than
 * one, at which a connection would seem to be dead.
 */
export function parseRate(text: string): number | undefined {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)([kmg]|[km]b|)$/i.exec(text);
  if (found === null) return undefined;
  const rate = Number(found[1]) * (units[(found[2] ?? "").toLowerCase()] ?? 1);
  return rate === 0 || rate >= 1 ? rate : undefined;
}
