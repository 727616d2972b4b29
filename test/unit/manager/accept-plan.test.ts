import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { acceptPlan } from "../../../src/manager/accept-plan.ts";
import { samplePlan } from "../../support/sample-plan.ts";
import { tempDir } from "../../support/temp-dir.ts";

const plan = samplePlan();
const other = { ...plan, fingerprint: "other" };

function folderWith(kept: string): string {
  const folder = tempDir();
  writeFileSync(join(folder, "plan.json"), kept);
  return folder;
}

function keptIn(folder: string): unknown {
  return JSON.parse(readFileSync(join(folder, "plan.json"), "utf8"));
}

it("keeps a plan, and accepts the same again", async () => {
  const folder = tempDir();
  for (const _time of [1, 2]) await acceptPlan(plan, folder, false);
  expect(keptIn(folder)).toEqual(plan);
});

it.each([
  ["another", JSON.stringify(other), "E_PLAN_CHANGED"],
  ["of another version", JSON.stringify({ ...plan, version: 2 }), "E_VERSION"],
  ["cut off", JSON.stringify(plan).slice(0, -20), "E_INTEGRITY"],
  ["empty", "", "E_INTEGRITY"],
  ["no plan", '{"version": 1}', "E_INTEGRITY"],
])(
  "refuses to go on where the one that is kept is %s, and takes the new one by --rerun",
  async (_how, kept, code) => {
    const folder = folderWith(kept);
    await expect(acceptPlan(plan, folder, false)).rejects.toMatchObject({ code });
    expect(readFileSync(join(folder, "plan.json"), "utf8")).toBe(kept);
    await acceptPlan(plan, folder, true);
    expect(keptIn(folder)).toEqual(plan);
  },
);

it("does not take a plan that cannot be read for one that is not there", async () => {
  const folder = tempDir();
  mkdirSync(join(folder, "plan.json"));
  await expect(acceptPlan(plan, folder, false)).rejects.toMatchObject({ code: "EISDIR" });
});
