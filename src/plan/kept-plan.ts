import { readFile } from "node:fs/promises";
import { z } from "zod";
import { codeOf, MigrationError } from "../core/errors.ts";
import { Plan } from "./plan.ts";

/**
 * The plan that a migration's folder keeps; undefined where there is none yet. Throws E_INTEGRITY
 * for one that is damaged, E_VERSION for one of another format.
 */
export async function readKeptPlan(path: string): Promise<Plan | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") throw error;
  });
  if (text === undefined) return undefined;
  const kept = Plan.safeParse(parse(text));
  if (kept.success) return kept.data;
  const { data: other } = OtherVersion.safeParse(parse(text));
  throw other === undefined ? damaged(path) : ofOtherVersion(path, other.version);
}

const OtherVersion = z.object({ version: z.number().refine((version) => version !== 1) });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ofOtherVersion(path: string, version: number): MigrationError {
  return new MigrationError(
    "E_VERSION",
    `"${path}" has format ${version}, which is not known here`,
    {
      hint: "Use the version of the program that wrote it, or --rerun to begin anew with this one",
    },
  );
}

function damaged(path: string): MigrationError {
  return new MigrationError("E_INTEGRITY", `"${path}" is damaged: it is no plan`, {
    hint: "Look for what damaged it, then begin anew with --rerun: what was moved is found again",
  });
}
