import { expect, it } from "vitest";
import { asMigrationError, MigrationError } from "../../../src/core/errors.ts";

it.each([
  ["ENOSPC", "E_NO_SPACE"],
  ["EDQUOT", "E_NO_SPACE"],
  ["EIO", "E_VOLUME"],
  ["EROFS", "E_VOLUME"],
])(
  "takes %s from wherever it comes for a fault of the volume, not of the program",
  (code, ours) => {
    const thrown = Object.assign(new Error(`${code}: it says, write`), { code });
    const error = asMigrationError(thrown);
    expect(error).toMatchObject({ code: ours, exitCode: 5, cause: thrown });
    expect(error.message).toContain(`${code}: it says, write`);
    expect(error.hint).toMatch(/^(Free|Check).*run the same command again$/);
  },
);

it.each([
  [13, "E_NO_SPACE"],
  // SQLITE_IOERR_WRITE: the lowest byte tells the kind.
  [778, "E_VOLUME"],
])("takes SQLite's %i for a fault of the volume as well", (errcode, ours) => {
  const told = { code: "ERR_SQLITE_ERROR", errcode };
  const thrown = Object.assign(new Error("database or disk is full"), told);
  expect(asMigrationError(thrown)).toMatchObject({ code: ours, exitCode: 5, cause: thrown });
});

it("takes what nobody foresaw for a fault of the program", () => {
  const thrown = Object.assign(new Error("EBADF: bad file descriptor"), { code: "EBADF" });
  expect(asMigrationError(thrown)).toMatchObject({ code: "E_UNEXPECTED", cause: thrown });
  expect(asMigrationError("")).toMatchObject({ code: "E_UNEXPECTED", message: "Unknown error" });
});

it("leaves an error of the family as it is", () => {
  const error = new MigrationError("E_LOCKED", "It is in use");
  expect(asMigrationError(error)).toBe(error);
});
