import { expect, it } from "vitest";
import { beforeText } from "../../../src/controller/before-text.ts";
import type { Status } from "../../../src/state/status.ts";

const done = { state: "done", updatedAt: 5, finishedAt: 1000 } as Status;

it("says what a start finds, unless all of it is done again", () => {
  expect(beforeText(done)).toBe(
    "Done already, at 1970-01-01T00:00:01.000Z; --rerun does all of it again",
  );
  const failed = { state: "failed", updatedAt: 5 } as Status;
  expect(beforeText(failed)).toBe(
    "Going on with the run that was failed at 1970-01-01T00:00:00.005Z",
  );
  expect(beforeText(done, true)).toBe(undefined);
  expect(beforeText(undefined)).toBe(undefined);
});
