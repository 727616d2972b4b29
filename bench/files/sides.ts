import { rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { BenchBed } from "../cluster/bed.ts";

/** Where the files are below the data folder of either side. */
export const folder = "bench";

/** Throws unless both sides are the same to rsync, which compares the bytes as well. */
export async function requireSameFiles(bed: BenchBed) {
  const [from, to] = [bed.source.data, bed.destination.data].map((data) => join(data, folder));
  const compare = ["-naicHAXS", "--numeric-ids", "--delete", `${from}/`, `${to}/`];
  const { stdout } = await execa("rsync", compare);
  const differences = stdout.split("\n").filter((line) => line !== "" && !isFolderAbove(line));
  if (differences.length === 0) return;
  throw new Error(`The sides differ:\n${differences.slice(0, 10).join("\n")}`);
}

/** tar and rsync as people call them make the folder above by themselves, with its own time. */
function isFolderAbove(line: string): boolean {
  return /^\.d\S* \.\/$/.test(line);
}

/** As if nothing had ever been copied; what is still to be written then belongs to nobody's time. */
export async function clearFiles({ destination }: BenchBed) {
  await rm(join(destination.data, folder), { recursive: true, force: true });
  await execa("sync", ["-f", destination.root]);
}
