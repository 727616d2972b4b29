import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { codeOf } from "../core/errors.ts";
import { fileLines } from "../core/lines.ts";
import { parseJson } from "../core/parse-json.ts";
import { sha256 } from "./restore-candidate.ts";
import { setAsideName } from "./restore-session.ts";
import { readRestoreState } from "./restore-state.ts";

/** Where the bytes of a document are that was overwritten. */
interface Place {
  path: string;
  offset: number;
  length: number;
  sha256: string;
}

/** The documents that the restores into some folders overwrote, as they were before. */
export interface BeforeImages {
  /** Undefined where nothing was kept of it, or what was kept is gone or damaged. */
  read(collection: string, id: Buffer): Promise<Buffer | undefined>;
}

const Line = z.object({
  collection: z.string(),
  idBytes: z.string(),
  before: z.object({
    file: z.string(),
    offset: z.number(),
    length: z.number(),
    sha256: z.string(),
  }),
});

/**
 * Reads the lists of what was overwritten by these runs, the newest last: a document that was
 * overwritten twice had been changed by somebody in between, and becomes what that one made of it.
 */
export async function openBeforeImages(
  folders: readonly string[],
  runs: readonly string[],
): Promise<BeforeImages> {
  const places = new Map<string, Place>();
  for (const folder of folders) {
    for (const { list, images } of await listsIn(folder, runs)) {
      for await (const { collection, idBytes, before } of overwritten(list)) {
        const { file, ...place } = before;
        const path = join(folder, file.replace(/^before(?=\/)/, images));
        places.set(`${collection}\0${idBytes}`, { ...place, path });
      }
    }
  }
  return {
    async read(collection, id) {
      const place = places.get(`${collection}\0${id.toString("base64")}`);
      return place === undefined ? undefined : await readPlace(place);
    },
  };
}

/** Of one folder: what earlier runs set aside in the order of the runs, then what is current. */
async function listsIn(folder: string, runs: readonly string[]) {
  const names = await readdir(folder);
  const found = names.flatMap((name) => {
    const ending = /^conflicts-(.+)\.ndjson$/.exec(name)?.[1];
    const order = runs.findIndex((run) => ending?.startsWith(`${setAsideName(run)}-`));
    if (ending === undefined || order < 0) return [];
    const count = Number(ending.slice(ending.lastIndexOf("-") + 1));
    return [{ list: join(folder, name), images: `before-${ending}`, order, count }];
  });
  const state = await readRestoreState(folder);
  const isCurrent = state !== undefined && runs.includes(state.run);
  const current = { list: join(folder, "conflicts.ndjson"), images: "before" };
  const sorted = found.toSorted((a, b) => a.order - b.order || a.count - b.count);
  return isCurrent ? [...sorted, current] : sorted;
}

async function* overwritten(list: string): AsyncGenerator<z.infer<typeof Line>> {
  try {
    for await (const text of fileLines(list)) {
      if (!text.includes('"before"')) continue;
      // A crash may leave half a line, of which nothing was done yet.
      const line = Line.safeParse(parseJson(text)).data;
      if (line !== undefined) yield line;
    }
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

async function readPlace({ path, offset, length, sha256: expected }: Place) {
  try {
    const file = await open(path);
    try {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await file.read(bytes, 0, length, offset);
      const isWhole = bytesRead === length && sha256(bytes).toString("hex") === expected;
      return isWhole ? bytes : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
