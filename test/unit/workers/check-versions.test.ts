import { expect, it } from "vitest";
import type { ServerFacts } from "../../../src/mongo/database.ts";
import { checkVersions } from "../../../src/workers/check-versions.ts";

function facts(version: string, set?: string): ServerFacts {
  const compatibility = set === undefined ? {} : { featureCompatibilityVersion: set };
  return { version, maxWireVersion: 8, driver: "current", ...compatibility };
}

it.each([
  ["of the same release", facts("4.2.6", "4.2"), facts("4.2.25", "4.2")],
  ["of a later release", facts("4.2.6", "4.2"), facts("6.0.27", "6.0")],
  ["that does not tell its setting", facts("4.4.2", "4.4"), facts("4.4.2")],
  ["that is set as low as the source", facts("4.2.6", "4.0"), facts("4.2.6", "4.0")],
])("says nothing of a destination %s", (_, source, destination) => {
  expect(checkVersions(source, destination)).toEqual([]);
});

it.each([
  ["4.2 for a source of 4.4", facts("4.4.2", "4.4"), facts("4.4.2", "4.2")],
  ["5.0 for a source of 6.0 that does not tell", facts("6.0.27"), facts("6.0.27", "5.0")],
])("warns of a destination that is set to %s", (_, source, destination) => {
  expect(checkVersions(source, destination)).toEqual([
    expect.stringMatching(
      /^The destination's featureCompatibilityVersion .* cannot be made there$/,
    ),
  ]);
});

it("refuses a destination that is older", () => {
  expect(() => checkVersions(facts("4.4.2"), facts("4.2.6"))).toThrow(
    expect.objectContaining({ code: "E_VERSION" }),
  );
});
