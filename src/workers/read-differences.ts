import { open } from "node:fs/promises";
import { z } from "zod";
import { codeOf } from "../core/errors.ts";

const shown = 20;

const text = z.string();

/** A line of any list that a verification writes. */
const Line = z.union([
  z
    .object({ path: text, what: text, expected: text, found: text })
    .transform((one) => `${one.path}: ${one.what}: expected ${one.expected}, found ${one.found}`),
  z
    .object({ collection: text, id: z.unknown(), what: text })
    .transform(({ collection, id, what }) => `${collection} ${JSON.stringify(id)}: ${what}`),
  z.looseObject({}).transform((other) => JSON.stringify(other)),
]);

/** The first lines of a list of differences, as people read them; none where there is no list. */
export async function readDifferences(list: string): Promise<string[]> {
  const found: string[] = [];
  const file = await open(list).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return found;
  for await (const line of file.readLines()) {
    found.push(Line.parse(JSON.parse(line)));
    if (found.length === shown) break;
  }
  return found;
}
