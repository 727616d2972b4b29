import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { podOwnershipModes, type RenderInput } from "../../src/controller/render/input.ts";
import { renderMigration } from "../../src/controller/render/migration.ts";
import { toYaml } from "../../src/controller/render/yaml.ts";
import { ConfigMap } from "../../src/kube/namespace-objects.ts";
import { KubeObject } from "../../src/kube/resource.ts";
import { Workload } from "../../src/kube/workloads.ts";
import { noCluster, type TestCluster, testCluster, uniqueName } from "../support/cluster.ts";
import { namespace } from "../support/stand-in.ts";
import { tempDir } from "../support/temp-dir.ts";
import { fullInput, sampleInput } from "../unit/controller/render/sample-input.ts";

const every = (["deployment", "job"] as const).flatMap((workload) =>
  (["safe", "classic"] as const).flatMap((template) =>
    podOwnershipModes.map((ownership) => ({ workload, template, ownership })),
  ),
);

const profiles = ["restricted-v2", "restricted", "baseline"] as const;
const names = Object.fromEntries(profiles.map((profile) => [profile, uniqueName("e2e-render")]));

describe.skipIf(noCluster)("what is rendered", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = testCluster();
    await cluster.apply(...profiles.map((profile) => namespace(names[profile]!, profile)));
  });
  afterAll(async () => {
    await cluster.kubectl("delete", "namespace", ...Object.values(names), "--wait=false");
  });

  async function dryRun(yaml: string): Promise<string[]> {
    const path = join(tempDir(), "objects.yaml");
    writeFileSync(path, yaml);
    const told = await cluster.kubectl("apply", "--dry-run=server", "-o", "name", "-f", path);
    return told.trim().split("\n").sort();
  }

  it.each(every)("is accepted by the API: $workload, $template, $ownership", async (choice) => {
    for (const input of [sampleInput(choice), fullInput(choice)]) {
      const objects = renderMigration({ ...input, namespace: names["baseline"]! });
      const told = await dryRun(toYaml(objects, { withSecrets: true }));
      expect(told).toHaveLength(objects.length);
    }
  });

  /** Both pods by themselves: only a pod is held against a namespace's profile. */
  function podsOf(profile: (typeof profiles)[number], changes: Partial<RenderInput>): KubeObject[] {
    const own = {
      namespace: names[profile]!,
      platform: { openshift: profile === "restricted-v2" },
    };
    const base = sampleInput();
    const receiver = { ...base.receiver!, ...own };
    const objects = renderMigration({
      ...{ ...base, ...own, ...changes },
      ...{ receiver, serviceAccount: "default" },
    });
    const { metadata, spec } = Workload.parse(objects.at(-1)).spec.template;
    const map = ConfigMap.parse(objects.find(({ kind }) => kind === "ConfigMap"));
    const name = uniqueName("manager");
    const pod = { apiVersion: "v1", kind: "Pod", spec };
    return [
      KubeObject.parse({ ...pod, metadata: { ...metadata, name, namespace: own.namespace } }),
      KubeObject.parse(JSON.parse(map.data?.["receiver.json"] ?? "")),
    ];
  }

  it.each([
    ["restricted-v2", { ownership: "inherit" }],
    ["restricted-v2", { ownership: "inherit", template: "classic" }],
    ["restricted", { ownership: "inherit" }],
    ["baseline", { ownership: "map" }],
    ["baseline", { ownership: "preserve" }],
    ["baseline", { ownership: "preserve", template: "classic" }],
  ] as const)("fits the profile %s: %j", async (profile, changes) => {
    expect(await dryRun(toYaml(podsOf(profile, changes)))).toHaveLength(2);
  });

  it.each([
    ["restricted-v2", { ownership: "preserve" }],
    ["restricted", { ownership: "map" }],
  ] as const)("does not fit the profile %s, which the API tells: %j", async (profile, changes) => {
    await expect(dryRun(toYaml(podsOf(profile, changes)))).rejects.toThrow(/forbidden|denied/i);
  });
});
