import { readFile } from "node:fs/promises";
import { z } from "zod";
import { codeOf, MigrationError } from "./errors.ts";
import { parseJson } from "./parse-json.ts";

/** A file of JSON that bears the version of its format, which is 1. */
export interface VersionedFile<S extends z.ZodType> {
  path: string;
  schema: S;
  /** What it is: "plan". */
  what: string;
  /** What to do about one of another version, and about one that is damaged. */
  hints: { version: string; damaged: string };
}

/**
 * Its content; undefined where there is none. Throws E_INTEGRITY for one that is damaged, E_VERSION
 * for one of another format.
 */
export async function readVersioned<S extends z.ZodType>(
  file: VersionedFile<S>,
): Promise<z.output<S> | undefined> {
  const { path, schema, what, hints } = file;
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") throw error;
  });
  if (text === undefined) return undefined;
  const json = parseJson(text);
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  const { data: other } = OtherVersion.safeParse(json);
  if (other === undefined) {
    throw new MigrationError("E_INTEGRITY", `"${path}" is damaged: it is no ${what}`, {
      hint: hints.damaged,
    });
  }
  const message = `"${path}" has format ${other.version}, which is not known here`;
  throw new MigrationError("E_VERSION", message, { hint: hints.version });
}

const OtherVersion = z.object({ version: z.number().refine((version) => version !== 1) });
