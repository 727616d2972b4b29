import { expect, it } from "vitest";
import { ofTheWhole, type Progress } from "../../../src/core/progress.ts";

it("tells what is left, when work is begun again, as part of the whole", () => {
  const told: Progress[] = [];
  const report = ofTheWhole((progress) => told.push(progress));
  report({ phase: "copying", bytes: { done: 70, total: 100 } });
  // 60 had arrived when the stream broke.
  report({ phase: "copying", bytes: { done: 0, total: 40 } });
  report({ phase: "copying", bytes: { done: 15, total: 40 } });
  report({ phase: "copying", bytes: { done: 40, total: 40 } });
  expect(told.map(({ bytes }) => bytes)).toEqual([
    { done: 70, total: 100 },
    { done: 70, total: 100 },
    { done: 75, total: 100 },
    { done: 100, total: 100 },
  ]);
});

it("keeps phases and kinds apart, and what has no total as it is", () => {
  const told: Progress[] = [];
  const report = ofTheWhole((progress) => told.push(progress));
  report({ phase: "copying", files: { done: 3, total: 3 }, bytes: { done: 9, total: 9 } });
  report({ phase: "verifying", files: { done: 1, total: 3 }, bytes: { done: 2 } });
  expect(told.at(-1)).toEqual({
    phase: "verifying",
    files: { done: 1, total: 3 },
    bytes: { done: 2 },
  });
});
