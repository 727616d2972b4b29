import { open, readdir, rename, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../core/atomic-file.ts";
import { codeOf } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { fileLines } from "../core/lines.ts";
import { parseJson } from "../core/parse-json.ts";

export const findingsFiles = {
  conflicts: "conflicts.ndjson",
  rejected: "rejected.ndjson",
} as const;

/** Whether the document at this position of a collection has a verdict. */
export type IsDecided = (collection: string, ordinal: number) => Promise<boolean>;

interface Line {
  collection: string;
  ordinal: number;
  file?: string;
  offset?: number;
  length?: number;
  before?: { file: string; offset: number; length: number; sha256: string };
}

export function keyOf(collection: string, ordinal: number): string {
  return `${ordinal} ${collection}`;
}

/**
 * Takes the lines of undecided documents out of the lists, and their bytes out of the files beside
 * them. A line of an overwritten document stays, as its before-image cannot be had again; such
 * documents without a verdict are returned, with the hash of the before-image.
 */
export async function pruneFindings(
  out: string,
  isDecided: IsDecided,
): Promise<Map<string, string>> {
  const overwritten = new Map<string, string>();
  const ends = new Map<string, number>();
  const listed = await exists(join(out, findingsFiles.conflicts));
  await prune(join(out, findingsFiles.conflicts), async (line) => {
    const decided = await isDecided(line.collection, line.ordinal);
    const { before } = line;
    if (before === undefined) return decided;
    if (!decided) overwritten.set(keyOf(line.collection, line.ordinal), before.sha256);
    ends.set(before.file, Math.max(ends.get(before.file) ?? 0, before.offset + before.length));
    return true;
  });
  await prune(join(out, findingsFiles.rejected), async ({ collection, ordinal, ...place }) => {
    const { file, offset = 0, length = 0 } = place;
    const decided = await isDecided(collection, ordinal);
    if (file !== undefined) {
      const end = ends.get(file) ?? 0;
      ends.set(file, decided ? Math.max(end, offset + length) : end);
    }
    return decided;
  });
  // Without its list, nothing says that a before-image is not needed.
  const files = [
    ...(await filesIn(out, "rejected")),
    ...(listed ? await filesIn(out, "before") : []),
  ];
  for (const file of files) await truncate(join(out, file), ends.get(file) ?? 0);
  return overwritten;
}

async function filesIn(out: string, folder: string): Promise<string[]> {
  const names = (await exists(join(out, folder))) ? await readdir(join(out, folder)) : [];
  return names.map((name) => join(folder, name));
}

async function prune(path: string, keeps: (line: Line) => Promise<boolean>): Promise<void> {
  if (!(await exists(path))) return;
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w");
  let kept: string[] = [];
  const write = async () => {
    await file.appendFile(kept.join(""));
    kept = [];
  };
  try {
    for await (const text of fileLines(path)) {
      const line = parseJson(text);
      // A crash may leave half a line.
      if (isLine(line) && (await keeps(line))) kept.push(`${text}\n`);
      if (kept.length === 1000) await write();
    }
    await write();
    await file.sync();
  } finally {
    await file.close();
  }
  failpoint("findings.beforePrune");
  await rename(temporary, path);
  await syncFolder(join(path, ".."));
}

function isLine(value: unknown): value is Line {
  if (typeof value !== "object" || value === null) return false;
  if (!("collection" in value) || !("ordinal" in value)) return false;
  return typeof value.collection === "string" && typeof value.ordinal === "number";
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}
