import { readFileSync } from "node:fs";
import { MigrationError } from "../core/errors.ts";
import type { FileEntry, FileType } from "./entry.ts";
import { mapId, type OwnershipMap } from "./ownership-map.ts";

/**
 * `preserve` keeps owner, group and mode; `map` does but for the owners and groups that a table
 * changes; `inherit` takes the destination's user and opens to its group.
 */
export type Ownership = "preserve" | "inherit" | "map";

/** Whose the files are to be. */
export interface Owners {
  ownership: Ownership;
  /** The table of the mode `map`. */
  ownershipMap?: OwnershipMap | undefined;
}

/** What this process may do to files. */
export interface Powers {
  /** May give files to anybody, pass all modes, and change what belongs to others. */
  preserve: boolean;
  devices: boolean;
  /** May write `security.capability`, and `trusted.*` extended attributes. */
  fileCapabilities: boolean;
  trustedAttributes: boolean;
}

const bits = { chown: 0n, dacOverride: 1n, fowner: 3n, sysAdmin: 21n, mknod: 27n, setfcap: 31n };

export function readPowers(): Powers {
  const status = readFileSync("/proc/self/status", "utf8");
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return powersOf(process.geteuid?.() === 0, mask);
}

export function powersOf(isRoot: boolean, capabilities: bigint): Powers {
  const has = (bit: bigint) => ((capabilities >> bit) & 1n) === 1n;
  return {
    preserve: isRoot && has(bits.chown) && has(bits.dacOverride) && has(bits.fowner),
    devices: has(bits.mknod),
    fileCapabilities: has(bits.setfcap),
    trustedAttributes: has(bits.sysAdmin),
  };
}

/** Throws E_PERMISSION where owners cannot be kept: going on would give every file to one user. */
export function requirePowers(ownership: Ownership, powers: Powers) {
  if (ownership === "inherit" || powers.preserve) return;
  throw new MigrationError("E_PERMISSION", `The ownership mode "${ownership}" needs more rights`, {
    hint: 'Run as uid 0 with the capabilities CHOWN, DAC_OVERRIDE and FOWNER, or choose "inherit"',
  });
}

/** The attributes that the destination gets; what is absent is not promised. */
export interface PromisedAttributes {
  mode?: number;
  uid?: number;
  gid?: number;
  mtimeNs?: bigint;
}

export function promised(
  entry: FileEntry,
  { ownership, ownershipMap }: Owners,
): PromisedAttributes {
  const { type, mtimeNs } = entry;
  if (ownership !== "inherit") {
    const uid = mapId(entry.uid, ownershipMap?.users);
    const gid = mapId(entry.gid, ownershipMap?.groups);
    return type === "l" ? { uid, gid, mtimeNs } : { mode: entry.mode, uid, gid, mtimeNs };
  }
  if (type === "d") return { mode: inheritedMode(entry.mode, type) };
  return type === "f" ? { mode: inheritedMode(entry.mode, type), mtimeNs } : { mtimeNs };
}

/** As rsync's `--chmod` of `inheritChmod` does it. */
export function inheritedMode(mode: number, type: FileType): number {
  const plain = mode & ~0o6000;
  return type === "d" ? plain | 0o2770 : plain | 0o660;
}

export const inheritChmod = "ug-s,Dug+rwx,Dg+s,Fug+rw";

/** The names of the attributes that are not as promised. */
export function brokenPromises(wanted: PromisedAttributes, found: FileEntry): string[] {
  const names = ["mode", "uid", "gid", "mtimeNs"] as const;
  return names.filter((name) => wanted[name] !== undefined && wanted[name] !== found[name]);
}
