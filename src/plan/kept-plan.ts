import { readVersioned } from "../core/versioned-file.ts";
import { Plan } from "./plan.ts";

/**
 * The plan that a migration's folder keeps; undefined where there is none yet. Throws E_INTEGRITY
 * for one that is damaged, E_VERSION for one of another format.
 */
export async function readKeptPlan(path: string): Promise<Plan | undefined> {
  return await readVersioned({
    ...{ path, schema: Plan, what: "plan" },
    hints: {
      version:
        "Use the version of the program that wrote it, or --rerun to begin anew with this one",
      damaged:
        "Look for what damaged it, then begin anew with --rerun: what was moved is found again",
    },
  });
}
