import { copyFile, mkdir } from "node:fs/promises";
import { asMigrationError, type MigrationError } from "../core/errors.ts";
import { inputOf } from "../plan/inputs.ts";
import type { Item, Plan, Step } from "../plan/plan.ts";
import type { FilesContext } from "./context.ts";
import { verifyDatabase } from "./db-verify.ts";
import { verifyFiles } from "./files-verify.ts";
import { verifyReferences } from "./references-verify.ts";

export interface Check {
  item: string;
  part: "files" | "documents" | "references";
  output?: object;
  error?: MigrationError;
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
    return attempt(item, "files", async () => {
      await copyFile(input.inventory, inventory);
      return verifyFiles({ ...input, inventory }, ctx);
    });
  }
  if (step.kind === "db-verify") {
    return attempt(item, "documents", () => verifyDatabase(inputOf("db-verify", place), ctx));
  }
  if (step.kind === "references-verify") {
    const input = { ...inputOf("references-verify", place), out };
    return attempt(item, "references", () => verifyReferences(input, ctx));
  }
  return undefined;
}

async function attempt(
  item: Item,
  part: Check["part"],
  work: () => Promise<object>,
): Promise<Check> {
  try {
    return { item: item.id, part, output: await work() };
  } catch (thrown) {
    return { item: item.id, part, error: asMigrationError(thrown) };
  }
}
