import { differingAttributes, type RsyncRun } from "../files/rsync.ts";
import type { Attribute, RsyncComplaint } from "../files/rsync-exit.ts";

/** By path, as Latin-1. */
export type LostAttributes = ReadonlyMap<string, readonly Attribute[]>;

/** Which of the listed entries are without what could not be set, as their volume has no room for it. */
export async function lostAttributes(
  run: RsyncRun,
  refused: ReadonlySet<Attribute>,
): Promise<LostAttributes> {
  const lost = new Map<string, Attribute[]>();
  if (refused.size === 0) return lost;
  for (const { path, attributes } of await differingAttributes(run)) {
    const without = attributes.filter((attribute) => refused.has(attribute));
    if (without.length > 0) lost.set(path.toString("latin1"), without);
  }
  return lost;
}

export function refusedByRsync(complaints: readonly RsyncComplaint[]): Set<Attribute> {
  return new Set(complaints.flatMap(({ attribute }) => attribute ?? []));
}

/** tar ends with 0 all the same. */
export function refusedByTar(stderr: string): Set<Attribute> {
  const names = stderr.matchAll(/Cannot set '([^']*)' extended attribute/g);
  const isAcl = (name = "") => name.startsWith("system.posix_acl_");
  return new Set([...names].map(([, name]) => (isAcl(name) ? "ACL" : "extended attributes")));
}
