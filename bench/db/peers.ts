import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Cost, measured } from "../common/measure.ts";
import type { Bed } from "./bed.ts";
import { sizeOf } from "./check.ts";

/** The stock tools, with the flags that make them fastest. */
export interface Peers {
  folderOf(packed: boolean): string;
  dump(packed: boolean): Promise<Cost>;
  /** Makes that dump where it is not there yet. */
  ensure(packed: boolean): Promise<void>;
  /** Into what is there; it leaves documents alone whose id is there, and says so for each. */
  restore(packed: boolean): Promise<Cost>;
}

/** Measured: more of them make it no faster, fewer make it slower. */
const insertionWorkers = 4;

export function makePeers({ tools, folder, source, destination, database }: Bed): Peers {
  const folderOf = (packed: boolean) => join(folder, packed ? "dump-packed" : "dump");
  const flagsOf = (packed: boolean) => ["--quiet", ...(packed ? ["--gzip"] : [])];
  async function dump(packed: boolean): Promise<Cost> {
    const out = folderOf(packed);
    rmSync(out, { recursive: true, force: true });
    const from = ["--uri", source.uri, "--db", database, "--out", out];
    const args = [...flagsOf(packed), ...from];
    const cost = await measured({ name: "mongodump", file: tools.mongodump, args });
    return { ...cost, bytes: sizeOf(out) };
  }
  return {
    folderOf,
    dump,
    async ensure(packed) {
      if (!existsSync(folderOf(packed))) await dump(packed);
    },
    restore(packed) {
      const workers = `--numInsertionWorkersPerCollection=${insertionWorkers}`;
      const args = [...flagsOf(packed), "--uri", destination.uri, workers, folderOf(packed)];
      return measured({ name: "mongorestore", file: tools.mongorestore, args });
    },
  };
}
