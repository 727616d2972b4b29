import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { codeOf } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { parseStatus, type Status } from "./status.ts";

const currentName = "status.json";
const previousName = "status.previous.json";

export interface Snapshots {
  /** The newest whole one. */
  status: Status | undefined;
  /** Whether there is any such file, whole or not. */
  exist: boolean;
}

export async function readSnapshots(folder: string): Promise<Snapshots> {
  let status: Status | undefined;
  let exist = false;
  for (const name of [currentName, previousName]) {
    const path = join(folder, name);
    const text = await readText(path);
    if (text === undefined) continue;
    exist = true;
    const found = parseStatus(text, path);
    if (found && found.seq > (status?.seq ?? 0)) status = found;
  }
  return { status, exist };
}

export interface SnapshotWriter {
  /** Durable; the one before is kept beside it. */
  write(status: Status): Promise<void>;
  /** Replaces the file whole, but survives no power cut: for progress only. */
  writeFast(status: Status): Promise<void>;
}

/** `last` is the newest status known to be good: it becomes the previous one at the first write. */
export function openSnapshots(folder: string, last: Status | undefined): SnapshotWriter {
  const current = join(folder, currentName);
  let kept = last && encode(last);
  return {
    async write(status) {
      const text = encode(status);
      if (kept !== undefined) await writeFileAtomic(join(folder, previousName), kept);
      await writeFileAtomic(current, text);
      kept = text;
    },
    async writeFast(status) {
      failpoint("state.beforeProgress");
      await writeFile(`${current}.tmp`, encode(status));
      await rename(`${current}.tmp`, current);
    },
  };
}

function encode(status: Status): string {
  return `${JSON.stringify(status)}\n`;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
