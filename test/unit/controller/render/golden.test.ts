import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { podOwnershipModes, type RenderInput } from "../../../../src/controller/render/input.ts";
import { renderMigration } from "../../../../src/controller/render/migration.ts";
import { toYaml } from "../../../../src/controller/render/yaml.ts";
import type { KubeObject } from "../../../../src/kube/resource.ts";
import { fullInput, sampleInput } from "./sample-input.ts";

const golden = resolve("test/fixtures/golden");

const cases = (["deployment", "job"] as const).flatMap((workload) =>
  (["safe", "classic"] as const).flatMap((template) =>
    podOwnershipModes.map((ownership) => ({ workload, template, ownership })),
  ),
);

/** The plan has tests of its own; here it would hide what is looked at. */
function rendered(input: RenderInput): KubeObject[] {
  return renderMigration(input).map((object) => {
    if (object.kind !== "ConfigMap") return object;
    const data = object["data"] as Record<string, string>;
    expect(JSON.parse(data["plan.json"] ?? "")).toEqual(input.plan);
    return { ...object, data: { ...data, "plan.json": "{}\n" } };
  });
}

describe("what is applied by hand is as the golden file has it", () => {
  it.each(cases)("for a $workload, $template, $ownership", async (choice) => {
    const yaml = toYaml(rendered(sampleInput(choice)), { header: ["A migration"] });
    const name = `${choice.workload}-${choice.template}-${choice.ownership}.yaml`;
    await expect(yaml).toMatchFileSnapshot(`${golden}/${name}`);
  });

  it("with all that may be there", async () => {
    const yaml = toYaml(rendered(fullInput()), { withSecrets: true });
    await expect(yaml).toMatchFileSnapshot(`${golden}/all-options.yaml`);
  });
});
