import { copyFile, mkdir } from "node:fs/promises";
import { asMigrationError, MigrationError } from "../core/errors.ts";
import { inputOf } from "../plan/inputs.ts";
import type { Item, Plan, Step } from "../plan/plan.ts";
import type { FilesContext } from "./context.ts";
import { verifyDatabase } from "./db-verify.ts";
import { verifyFiles } from "./files-verify.ts";
import { readDifferences } from "./read-differences.ts";
import { verifyReferences } from "./references-verify.ts";

export interface Check {
  item: string;
  part: "files" | "documents" | "references";
  output?: object;
  error?: MigrationError;
  /** The first of what is not as it was, each as a line. */
  differences: string[];
}

/**
 * Checks what an earlier migration brought over, from its own inventories, archives and verdicts,
 * which are copied to `scratch` where a check would write into them.
 */
export async function verifyAgain(
  plan: Plan,
  scratch: string,
  ctx: FilesContext,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const item of plan.items) {
    for (const step of item.steps) {
      const check = await verifyStep({ plan, item, step }, scratch, ctx);
      if (check !== undefined) checks.push(check);
    }
  }
  return checks;
}

interface Place {
  plan: Plan;
  item: Item;
  step: Step;
}

async function verifyStep(
  place: Place,
  scratch: string,
  ctx: FilesContext,
): Promise<Check | undefined> {
  const { item, step } = place;
  const out = `${scratch}/${item.id}`;
  await mkdir(out, { recursive: true });
  if (step.kind === "files-verify") {
    const input = inputOf("files-verify", place);
    const inventory = `${out}/files.sqlite`;
    return attempt({ item, part: "files", list: `${out}/files-mismatches.ndjson` }, async () => {
      await copyFile(input.inventory, inventory);
      return verifyFiles({ ...input, inventory }, ctx);
    });
  }
  if (step.kind === "db-verify") {
    const input = inputOf("db-verify", place);
    return attempt({ item, part: "documents", list: `${out}/mismatches.ndjson` }, () =>
      verifyDatabase(input, ctx, out),
    );
  }
  if (step.kind === "references-verify") {
    const input = { ...inputOf("references-verify", place), out };
    return attempt({ item, part: "references", list: `${out}/references.ndjson` }, () =>
      verifyReferences(input, ctx),
    );
  }
  return undefined;
}

interface Part {
  item: Item;
  part: Check["part"];
  /** Where the worker lists what is not as it was. */
  list: string;
}

async function attempt({ item, part, list }: Part, work: () => Promise<object>): Promise<Check> {
  try {
    return { item: item.id, part, output: await work(), differences: [] };
  } catch (thrown) {
    const error = asMigrationError(thrown);
    const differences = error.code === "E_INTEGRITY" ? await readDifferences(list) : [];
    return { item: item.id, part, error: withoutList(error, list), differences };
  }
}

/** The list goes away with all that this look has written. */
function withoutList(error: MigrationError, list: string): MigrationError {
  if (error.hint?.includes(list) !== true) return error;
  const { code, message, cause, fields } = error;
  return new MigrationError(code, message, {
    ...{ cause, fields },
    hint: "Look for who changed it; a start with --rerun brings what may be brought",
  });
}
