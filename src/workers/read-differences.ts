import { z } from "zod";
import { codeOf } from "../core/errors.ts";
import { fileLines } from "../core/lines.ts";

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
  try {
    for await (const line of fileLines(list)) {
      found.push(Line.parse(JSON.parse(line)));
      if (found.length === shown) break;
    }
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  return found;
}
