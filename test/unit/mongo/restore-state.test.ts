import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSession } from "../../../src/mongo/restore-session.ts";
import type { RestoreSource } from "../../../src/mongo/restore-source.ts";
import { tempDir } from "../../support/temp-dir.ts";

const source: RestoreSource = {
  ...{ collections: [], fingerprint: "one" },
  async *read() {
    // It has no documents.
  },
};

/** A folder of an earlier attempt, with the verdicts of a collection. */
async function folderOfAttempt(): Promise<string> {
  const out = tempDir();
  const session = await openSession(source, { out, run: "r" });
  await session.recordCreation("c");
  writeFileSync(join(out, "0-c.verdicts"), "\x01");
  return out;
}

it("goes on with what an earlier attempt of the run recorded", async () => {
  const session = await openSession(source, { out: await folderOfAttempt(), run: "r" });
  expect(session.resumed).toBe(true);
  expect(session.isCreated("c")).toBe(true);
});

it.each([
  { what: "cut off", change: (text: string) => text.slice(0, -5), code: "E_INTEGRITY" },
  { what: "empty", change: () => "", code: "E_INTEGRITY" },
  { what: "of other fields", change: () => '{"version":1,"run":7}', code: "E_INTEGRITY" },
  {
    what: "of a newer version",
    change: (text: string) => text.replace('"version": 1', '"version": 2'),
    code: "E_VERSION",
  },
])("refuses restore.json where it is $what, and leaves all as it is", async ({ change, code }) => {
  const out = await folderOfAttempt();
  const file = join(out, "restore.json");
  const changed = change(readFileSync(file, "utf8"));
  writeFileSync(file, changed);
  for (const run of ["r", "another"]) {
    const opened = openSession(source, { out, run });
    await expect(opened).rejects.toMatchObject({ code, message: expect.stringContaining(file) });
  }
  expect(readFileSync(file, "utf8")).toBe(changed);
  expect(readdirSync(out).sort()).toEqual(["0-c.verdicts", "restore.json"]);
});
