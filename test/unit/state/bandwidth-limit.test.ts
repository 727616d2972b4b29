import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { askForLimit, readLimit } from "../../../src/state/bandwidth-limit.ts";
import { samplePlan, sampleRequest } from "../../support/sample-plan.ts";
import { tempDir } from "../../support/temp-dir.ts";

/** A migration's folder, with a plan of this limit. */
function begun(bandwidthLimit?: number) {
  const folder = tempDir();
  const limit = bandwidthLimit === undefined ? {} : { bandwidthLimit };
  const plan = samplePlan({ options: { ...sampleRequest().options, ...limit } });
  writeFileSync(join(folder, "plan.json"), JSON.stringify(plan));
  return { folder, plan };
}

it("is the plan's until another one is asked for, and that one from then on", async () => {
  const { folder, plan } = begun(500);
  expect(await readLimit(folder, plan)).toBe(500);
  expect(await askForLimit(folder, 2000)).toBe(2000);
  expect(await readLimit(folder, plan)).toBe(2000);
  expect(await askForLimit(folder, 0)).toBeUndefined();
  expect(await readLimit(folder, plan)).toBeUndefined();
});

it("is the one of a start that came later with another limit", async () => {
  const { folder } = begun(500);
  await askForLimit(folder, 2000);
  expect(await readLimit(folder, begun(700).plan)).toBe(700);
  expect(await readLimit(folder, begun().plan)).toBeUndefined();
  expect(await readLimit(folder, begun(500).plan)).toBe(2000);
});

it("is not asked for where nothing was begun, nor taken from what is damaged", async () => {
  await expect(askForLimit(tempDir(), 1)).rejects.toMatchObject({ code: "E_NO_MIGRATION" });
  const { folder, plan } = begun();
  await askForLimit(folder, 5);
  const path = join(folder, "bwlimit.json");
  writeFileSync(path, readFileSync(path, "utf8").slice(0, -5));
  await expect(readLimit(folder, plan)).rejects.toMatchObject({ code: "E_INTEGRITY" });
  writeFileSync(path, JSON.stringify({ version: 2, limit: 5, inPlaceOf: 0 }));
  await expect(readLimit(folder, plan)).rejects.toMatchObject({ code: "E_VERSION" });
});
