import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { loadApplication } from "../../../src/config/load-application.ts";
import type { SideName } from "../../../src/controller/discover/discovered.ts";
import { rbacObjects } from "../../../src/controller/rbac.ts";

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

it.each([
  ["At the source", "source", undefined, /./],
  ["At the destination", "destination", undefined, /./],
  ["At a destination whose pod is there already", "destination", "taker", /^core: pods/],
] as const)("tells the rights as they are: %s", async (heading, side, pod, part) => {
  const rules = await rulesOf(side, pod);
  expect(rowsBelow(heading)).toEqual(rules.filter((rule) => part.test(rule)));
});

/** With everything that asks for rights, as `migctl rbac` has it. */
async function rulesOf(side: SideName, pod: string | undefined): Promise<string[]> {
  const { cluster } = await loadApplication("mvi");
  if (cluster === undefined) throw new Error("mvi is not described in a cluster");
  const objects = rbacObjects({
    ...{ side, pod, known: cluster, namespace: "vision", account: "migctl", networkPolicy: false },
    ...{ secrets: ["login"], ownSecrets: [], writers: ["writer"], restarts: ["service"] },
  });
  const rules = objects.find(({ kind }) => kind === "Role")?.["rules"] as Rule[];
  return rules.map(({ apiGroups, resources, resourceNames, verbs }) =>
    lineOf([
      apiGroups[0] || "core",
      resources.join(", "),
      resourceNames ? "some" : "all",
      verbs.join(", "),
    ]),
  );
}

function rowsBelow(heading: string): string[] {
  const page = readFileSync("SECURITY.md", "utf8");
  const [, section = ""] = page.split(`\n### ${heading}`);
  const [table = ""] = section.split("\n#");
  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1);
  return rows.map((row) => {
    const [group = "", resources = "", which, verbs = ""] = row.slice(2).split(" | ");
    return lineOf([group, resources, which === "all" ? "all" : "some", verbs]);
  });
}

function lineOf([group, resources, which, verbs]: [string, string, string, string]): string {
  return `${group}: ${resources}, ${which}: ${verbs}`;
}
