import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { codeOf, MigrationError } from "../core/errors.ts";
import { Plan } from "../plan/plan.ts";

/**
 * Keeps the plan beside the status. Another plan under the same name must be meant, and so must one
 * in place of what cannot be read any more.
 */
export async function acceptPlan(plan: Plan, folder: string, rerun: boolean) {
  const path = `${folder}/plan.json`;
  const earlier = rerun ? undefined : await readFingerprint(path);
  if (earlier !== undefined && earlier !== plan.fingerprint) {
    throw new MigrationError(
      "E_PLAN_CHANGED",
      `The migration "${plan.name}" was begun with another plan`,
      { hint: "Give the same flags to go on with it, or --rerun to begin anew with these" },
    );
  }
  await writeFileAtomic(path, `${JSON.stringify(plan, undefined, 2)}\n`);
}

/** Undefined where there is no plan yet. */
async function readFingerprint(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
  if (text === undefined) return undefined;
  const kept = Plan.safeParse(parse(text));
  if (kept.success) return kept.data.fingerprint;
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
