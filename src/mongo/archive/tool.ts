import { readFileSync } from "node:fs";
import { z } from "zod";

const Package = z.object({ name: z.string(), version: z.string() });

/** Name and version of this program, as an archive tells who made it. */
export function thisTool(): { name: string; version: string } {
  const file = new URL("../../../package.json", import.meta.url);
  return Package.parse(JSON.parse(readFileSync(file, "utf8")));
}
