import { readFile } from "node:fs/promises";
import type { z } from "zod";
import { codeOf, MigrationError } from "../core/errors.ts";
import type { ManagerContext } from "./context.ts";

/** Reads a JSON document that migctl made, from a file or, for `-`, from standard input. */
export async function readDocument<T>(
  path: string,
  schema: z.ZodType<T>,
  { readInput }: Pick<ManagerContext, "readInput">,
): Promise<T> {
  const name = path === "-" ? "standard input" : `"${path}"`;
  const text = path === "-" ? await readInput() : await readText(path);
  const result = schema.safeParse(parseJson(text, name));
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path: at, message }) => `${at.map(String).join(".") || "document"}: ${message}`,
  );
  throw new MigrationError(
    "E_CONFIG",
    `The document in ${name} is malformed: ${problems.join("; ")}`,
    {
      hint: "Make it with this version of migctl",
    },
  );
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new MigrationError("E_CONFIG", `Cannot read "${path}" (${codeOf(error)})`, {
      cause: error,
      hint: "Check its path and mode",
    });
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MigrationError("E_CONFIG", `There is no JSON in ${name}`, {
      cause: error,
      hint: "Make it with this version of migctl",
    });
  }
}
