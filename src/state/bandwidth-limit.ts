import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { MigrationError } from "../core/errors.ts";
import { readVersioned } from "../core/versioned-file.ts";
import { readKeptPlan } from "../plan/kept-plan.ts";
import type { Plan } from "../plan/plan.ts";

const rate = z.number().nonnegative();

/** What was asked for while a migration ran, in KiB each second; 0 is no limit. */
const AskedLimit = z.strictObject({
  version: z.literal(1),
  limit: rate,
  /** The plan's own limit by then: a start with another one is what was asked for last. */
  inPlaceOf: rate,
});

/** What is answered to who asks for a limit. */
export const LimitAsked = z.object({ kibPerSecond: rate });
export type LimitAsked = z.infer<typeof LimitAsked>;

/** How much may be sent: what was asked for last, KiB each second; undefined is no limit. */
export async function readLimit(
  folder: string,
  { options }: Pick<Plan, "options">,
): Promise<number | undefined> {
  const planned = options.bandwidthLimit ?? 0;
  const asked = await readVersioned({
    ...{ path: join(folder, fileName), schema: AskedLimit, what: "limit" },
    hints: {
      version: "Set the limit again with this version: migctl bwlimit",
      damaged: "Set the limit again: migctl bwlimit",
    },
  });
  const limit = asked?.inPlaceOf === planned ? asked.limit : planned;
  return limit === 0 ? undefined : limit;
}

/** Asks for another limit of a migration, whether it runs or not; returns what was read back. */
export async function askForLimit(folder: string, limit: number): Promise<number | undefined> {
  const plan = await readKeptPlan(join(folder, "plan.json"));
  if (plan === undefined) {
    throw new MigrationError("E_NO_MIGRATION", `There is no migration in "${folder}"`, {
      hint: "Give --bwlimit when it is started",
    });
  }
  const inPlaceOf = plan.options.bandwidthLimit ?? 0;
  const asked: z.infer<typeof AskedLimit> = { version: 1, limit, inPlaceOf };
  await writeFileAtomic(join(folder, fileName), `${JSON.stringify(asked)}\n`);
  return await readLimit(folder, plan);
}

const fileName = "bwlimit.json";
