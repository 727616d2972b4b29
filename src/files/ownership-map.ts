/** `from` is one id, a range of them as 1000-1999, or * for all. */
interface IdMapping {
  from: string;
  to: number;
}

/** What owners and groups become at the destination; ids that nothing matches are kept. */
export interface OwnershipMap {
  users: readonly IdMapping[];
  groups: readonly IdMapping[];
}

/** The first that matches counts, as for rsync. */
export function mapId(id: number, table: readonly IdMapping[] = []): number {
  return table.find(({ from }) => matches(id, from))?.to ?? id;
}

function matches(id: number, from: string): boolean {
  if (from === "*") return true;
  const [low, high = low] = from.split("-").map(Number);
  return low !== undefined && high !== undefined && low <= id && id <= high;
}

/** With numeric ids no names are sent, so that all of it works on ids. */
export function rsyncMapFlags({ users, groups }: OwnershipMap): string[] {
  const flags: string[] = [];
  if (users.length > 0) flags.push(`--usermap=${rsyncTable(users)}`);
  if (groups.length > 0) flags.push(`--groupmap=${rsyncTable(groups)}`);
  return flags;
}

function rsyncTable(table: readonly IdMapping[]): string {
  return table.map(({ from, to }) => `${from}:${to}`).join(",");
}
