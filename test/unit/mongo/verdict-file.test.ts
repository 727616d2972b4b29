import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openVerdictFile, verdictFileName } from "../../../src/mongo/verdict-file.ts";
import { tempDir } from "../../support/temp-dir.ts";

describe("a verdict file", () => {
  it("keeps one byte for each document and counts them", async () => {
    const path = join(tempDir(), "v");
    const file = await openVerdictFile(path, 6);
    await file.write(3, ["conflict", undefined]);
    await file.write(0, ["migrated", "rejected", "identical"]);
    expect(await file.read(0, 6)).toEqual([
      "migrated",
      "rejected",
      "identical",
      "conflict",
      undefined,
      undefined,
    ]);
    const { counts, undecided } = await file.tally();
    expect(undecided).toBe(2);
    expect(counts).toMatchObject({
      migrated: 1,
      rejected: 1,
      identical: 1,
      conflict: 1,
      updated: 0,
    });
    await file.close();
    expect([...readFileSync(path)]).toEqual([1, 5, 3, 4, 0]);
  });

  it("goes on with what is there", async () => {
    const path = join(tempDir(), "v");
    const first = await openVerdictFile(path, 3);
    await first.write(0, ["updated"]);
    await first.close();
    const second = await openVerdictFile(path, 3);
    await second.write(2, ["missing"]);
    expect(await second.read(0, 3)).toEqual(["updated", undefined, "missing"]);
    await second.close();
    expect(statSync(path).size).toBe(3);
  });

  it("is not made by reading", async () => {
    const path = join(tempDir(), "v");
    await expect(openVerdictFile(path, 3, "read")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each([["Foo.bar"], ["a/b"], [".."], ["ü %"], ["x".repeat(255)], ["é".repeat(120)]])(
    "has one file name for %s",
    (collection) => {
      const name = verdictFileName(12, collection);
      expect(name).not.toContain("/");
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    },
  );
});
