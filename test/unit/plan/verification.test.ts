import { expect, it } from "vitest";
import { exitCodeOf, Verification } from "../../../src/plan/verification.ts";

const equal = { item: "server", part: "files", equal: true };

function failed(code: string) {
  return { ...equal, equal: false, error: { code, message: "It was not so" } };
}

it.each([
  ["all of it is equal", [{ ...equal, output: { changedSince: 0 } }], 0],
  ["the source has changed since", [{ ...equal, output: { changedSince: 2 } }, equal], 3],
  [
    "something differs, whatever else there is",
    [failed("E_UNAVAILABLE"), failed("E_INTEGRITY")],
    8,
  ],
  ["a side could not be looked at", [equal, failed("E_UNAVAILABLE")], 5],
  ["somebody stopped it", [failed("E_INTERRUPTED")], 130],
] as const)("a verification ends with its own exit code where %s", (_what, checks, code) => {
  expect(exitCodeOf(Verification.parse({ checks }))).toBe(code);
});
