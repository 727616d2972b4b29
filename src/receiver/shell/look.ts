import { MigrationError } from "../../core/errors.ts";
import { type FileEntry, type FileType, partsOf } from "../../files/entry.ts";
import type { Look } from "../../files/folder-chain.ts";

/** What the script said of the paths, in their order; E_INTEGRITY where it is not of that form. */
export function readLooks(paths: readonly Buffer[], text: string): Look[] {
  const lines = text.split("\n");
  const states = lines.filter((line) => /^[HAB]/.test(line));
  const stats = lines.filter((line) => line.startsWith("S")).values();
  const targets = lines.filter((line) => line.startsWith("T")).values();
  if (states.length !== paths.length) throw notUnderstood(`${states.length} of ${paths.length}`);
  const found = paths.map((path, at): Look => {
    const state = states[at] ?? "";
    if (state.startsWith("B")) return { state: "blocked", reason: blockedBy(path, state) };
    if (state !== "H") return { state: "absent" };
    return hereOrGone(path, stats.next().value ?? "");
  });
  for (const look of found) {
    if (look.state === "here" && look.entry.type === "l")
      addTarget(look.entry, targets.next().value);
  }
  return found;
}

const reasons: Record<string, (folder: string) => string> = {
  link: (folder) => `${folder} above it is a symbolic link`,
  other: (folder) => `${folder} above it is not a folder`,
  closed: (folder) => `the folder ${folder} above it cannot be opened (EACCES)`,
};

function blockedBy(path: Buffer, state: string): string {
  const [, depth, why = ""] = state.split(" ");
  const folder = JSON.stringify(partsOf(path)[Number(depth)]?.toString());
  return reasons[why]?.(folder) ?? notUnderstoodText(state);
}

/** It may have gone between the two looks of the script. */
function hereOrGone(path: Buffer, line: string): Look {
  if (line === "S") return { state: "absent" };
  return { state: "here", entry: readStat(path, line) };
}

const types: Record<number, FileType> = {
  ...{ 1: "p", 2: "c", 4: "d", 6: "b", 8: "f", 10: "l", 12: "s" },
};

/** The seconds are exact in one field, the nanoseconds in another: busybox knows no "%.9Y". */
const statLine =
  /^S ([0-9a-f]+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (-?\d+) \S+ [\d:]+\.(\d{9}) \S+ @ (-?\d+) \S+ [\d:]+\.(\d{9}) \S+$/;

function readStat(path: Buffer, line: string): FileEntry {
  const fields = statLine.exec(line)?.slice(1);
  if (fields === undefined) throw notUnderstood(line);
  const text = (at: number) => fields[at] ?? "";
  const number = (at: number) => Number(text(at));
  const time = (at: number) =>
    BigInt.asIntN(64, BigInt(text(at)) * 10n ** 9n + BigInt(text(at + 1)));
  const mode = Number.parseInt(text(0), 16);
  const type = types[mode >> 12];
  if (type === undefined) throw notUnderstood(line);
  return {
    ...{ path, type, size: number(1), allocated: number(2) * number(3), mode: mode & 0o7777 },
    ...{ uid: number(4), gid: number(5), nlink: number(8) },
    ...{ dev: BigInt.asIntN(64, BigInt(text(6))), ino: BigInt.asIntN(64, BigInt(text(7))) },
    ...{ mtimeNs: time(9), ctimeNs: time(11) },
  };
}

/** In hexadecimal digits, with the newline that readlink adds. */
function addTarget(entry: FileEntry, line: string | undefined) {
  if (line === undefined) throw notUnderstood("a link without its target");
  entry.target = Buffer.from(line.slice(2), "hex").subarray(0, -1);
}

function notUnderstood(what: string): MigrationError {
  return new MigrationError("E_PROGRAM", notUnderstoodText(what), {
    hint: "The tools there answer otherwise than GNU's and busybox's do: name another pod",
  });
}

function notUnderstoodText(what: string): string {
  return `The answer of the destination's pod about its files is not understood: ${what.slice(0, 200)}`;
}
