import { writeFileAtomic } from "../core/atomic-file.ts";
import { MigrationError } from "../core/errors.ts";
import { readKeptPlan } from "../plan/kept-plan.ts";
import type { Plan } from "../plan/plan.ts";

/**
 * Keeps the plan beside the status. Another plan under the same name must be meant, and so must one
 * in place of what cannot be read any more.
 */
export async function acceptPlan(plan: Plan, folder: string, rerun: boolean) {
  const path = `${folder}/plan.json`;
  const earlier = rerun ? undefined : await readKeptPlan(path);
  if (earlier !== undefined && earlier.fingerprint !== plan.fingerprint) {
    throw new MigrationError(
      "E_PLAN_CHANGED",
      `The migration "${plan.name}" was begun with another plan`,
      { hint: "Give the same flags to go on with it, or --rerun to begin anew with these" },
    );
  }
  await writeFileAtomic(path, `${JSON.stringify(plan, undefined, 2)}\n`);
}
