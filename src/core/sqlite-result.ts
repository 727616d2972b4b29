/** The primary result codes of SQLite that a reader can do something about. */
export const sqliteResults = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  open: 14,
  notDb: 26,
} as const;

/** The primary result code of an error of SQLite's; undefined for any other. */
export function sqliteResultOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !("errcode" in thrown)) return undefined;
  return Number(thrown.errcode) & 0xff;
}
