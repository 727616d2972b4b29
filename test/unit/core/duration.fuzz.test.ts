import fc from "fast-check";
import { expect } from "vitest";
import { parseDuration } from "../../../src/core/duration.ts";
import { formatBytes, formatDuration } from "../../../src/core/format.ts";
import { itHolds } from "../../support/fuzz.ts";

const amount = fc.nat(999_999_999);

itHolds("adds up what a time is made of", 200, () => {
  const parts = fc.array(fc.tuple(amount, fc.constantFrom("s", "m", "h", "d")), { minLength: 1 });
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 };
  return fc.property(parts, (times) => {
    const sum = times.reduce((all, [count, unit]) => all + count * seconds[unit], 0);
    expect(parseDuration(times.map((time) => time.join("")).join(""))).toBe(sum);
  });
});

itHolds("gives a whole number of seconds, or nothing, whatever stands there", 500, () => {
  const character = fc.constantFrom(..."0123456789smhd-+.e \n∞٣");
  const text = fc.string({ unit: character, maxLength: 40 });
  return fc.property(fc.oneof(text, fc.string()), (given) => {
    const found = parseDuration(given);
    if (found === undefined) return;
    expect(Number.isSafeInteger(found)).toBe(true);
    expect(found).toBeGreaterThanOrEqual(0);
    expect(given).toMatch(/^[0-9smhd]+$/);
  });
});

itHolds("shows a time and a size as near as it says", 500, () =>
  fc.property(fc.nat(2 ** 31), fc.maxSafeNat(), (milliseconds, bytes) => {
    const shown = formatDuration(milliseconds);
    if (!shown.includes(".") && !shown.includes("h")) {
      const back = parseDuration(shown.replaceAll(" ", "").replace("min", "m"));
      expect(Math.abs((back ?? Number.NaN) * 1000 - milliseconds)).toBeLessThanOrEqual(500);
    }
    expect(formatBytes(bytes)).toMatch(/^(?:\d{1,4}|\d{1,3}\.\d) (?:B|[KMGTP]iB)$/);
  }),
);
