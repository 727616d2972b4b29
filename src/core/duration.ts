const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds of "90s", "5m", "1h30m" or a plain number of seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  if (!/^(?:\d{1,9}[smhd])+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, digits, unit = ""] of text.matchAll(/(\d+)([smhd])/g)) {
    seconds += Number(digits) * (units[unit] ?? 0);
  }
  return seconds;
}
