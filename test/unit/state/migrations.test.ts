import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { listMigrations } from "../../../src/state/migrations.ts";
import { samplePlan } from "../../support/sample-plan.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { addMigration } from "./sample.ts";

const whole = JSON.stringify(samplePlan());

it("names a plan that is damaged, and tells of the others all the same", async () => {
  const place = tempDir();
  await addMigration(place, "one", whole.slice(0, -20));
  await addMigration(place, "two", whole.replace('"version":1', '"version":99'));
  await addMigration(place, "three", whole);
  const { found, damaged } = await listMigrations(place);
  expect(found.map(({ folder }) => folder)).toEqual([join(place, "three")]);
  expect(damaged.toSorted((a, b) => a.name.localeCompare(b.name))).toMatchObject([
    {
      name: "one",
      error: { code: "E_INTEGRITY", message: `"${place}/one/plan.json" is damaged: it is no plan` },
    },
    { name: "two", error: { code: "E_VERSION" } },
  ]);
});

it("leaves out what is no migration, and one that was never begun", async () => {
  const place = tempDir();
  mkdirSync(join(place, "one"));
  writeFileSync(join(place, "one/plan.json"), whole);
  mkdirSync(join(place, "ledger"));
  writeFileSync(join(place, "notes"), "");
  expect(await listMigrations(place)).toEqual({ found: [], damaged: [] });
});
