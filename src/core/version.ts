import { z } from "zod";
import { readBuiltIn } from "./built-in.ts";

const Package = z.object({ version: z.string() });

/** The version of both programs, as package.json has it. */
export const programVersion = Package.parse(JSON.parse(readBuiltIn("package.json"))).version;
