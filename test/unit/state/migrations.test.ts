import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { listMigrations } from "../../../src/state/migrations.ts";
import { samplePlan } from "../../support/sample-plan.ts";
import { tempDir } from "../../support/temp-dir.ts";

function placeWith(plan: string): string {
  const place = tempDir();
  mkdirSync(join(place, "one"));
  writeFileSync(join(place, "one/plan.json"), plan);
  return place;
}

it("names a plan that is damaged instead of hiding its migration", async () => {
  const place = placeWith(JSON.stringify(samplePlan()).slice(0, -20));
  await expect(listMigrations(place)).rejects.toMatchObject({
    code: "E_INTEGRITY",
    message: expect.stringContaining(join(place, "one/plan.json")),
  });
});

it("leaves out what is no migration, and one that was never begun", async () => {
  const place = placeWith(JSON.stringify(samplePlan()));
  mkdirSync(join(place, "ledger"));
  writeFileSync(join(place, "notes"), "");
  expect(await listMigrations(place)).toEqual([]);
});
