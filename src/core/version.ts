import { readFileSync } from "node:fs";
import { z } from "zod";

const Package = z.object({ version: z.string() });
const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");

/** The version of both programs, as package.json has it. */
export const programVersion = Package.parse(JSON.parse(text)).version;
