import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { isFull, noSpace, withRoom } from "../../../src/core/no-space.ts";
import { tempDir } from "../../support/temp-dir.ts";

const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

describe("what a full volume is told by", () => {
  it.each(["ENOSPC", "EDQUOT"])("is the system's %s", (code) => {
    expect(isFull(Object.assign(new Error(code), { code }))).toBe(true);
  });

  it("is SQLite's word", () => {
    const database = new DatabaseSync(":memory:");
    database.exec("PRAGMA max_page_count = 2; CREATE TABLE t (b)");
    const insert = database.prepare("INSERT INTO t VALUES (zeroblob(100000))");
    expect(() => insert.run()).toThrow(expect.toSatisfy(isFull));
    database.close();
  });

  it.each([new Error("full"), Object.assign(new Error("EIO"), { code: "EIO" }), undefined])(
    "is not %s",
    (error) => {
      expect(isFull(error)).toBe(false);
    },
  );
});

describe("the error", () => {
  it("says what found no room, where, how much it needs and how much is free", () => {
    const folder = tempDir();
    const error = noSpace({ what: "the verdicts", folder, neededBytes: 4096 }, full);
    expect(error).toMatchObject({ code: "E_NO_SPACE", exitCode: 5, cause: full });
    expect(error.message).toMatch(
      `No space left for the verdicts in "${folder}": 4096 bytes are needed, ${error.fields["freeBytes"]} bytes are free`,
    );
    expect(error.fields).toMatchObject({ folder, neededBytes: 4096 });
  });

  it("says what it can of a volume that is gone", () => {
    const folder = join(tempDir(), "gone");
    const { message } = noSpace({ what: "the ledger", folder }, full);
    expect(message).toBe(`No space left for the ledger in "${folder}"`);
  });

  it("takes the place of a full volume's alone", async () => {
    const room = { what: "the ledger", folder: tempDir() };
    const failing = (error: Error) => withRoom(room, () => Promise.reject(error));
    await expect(failing(full)).rejects.toMatchObject({ code: "E_NO_SPACE" });
    const other = new Error("other");
    await expect(failing(other)).rejects.toBe(other);
  });
});
