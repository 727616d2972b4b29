import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { podOwnershipModes, type RenderInput } from "../../../../src/controller/render/input.ts";
import { labelValue } from "../../../../src/controller/render/metadata.ts";
import { renderMigration } from "../../../../src/controller/render/migration.ts";
import { withOwner } from "../../../../src/controller/render/owner.ts";
import { renderSecret } from "../../../../src/controller/render/secret.ts";
import { toYaml } from "../../../../src/controller/render/yaml.ts";
import { MigrationError } from "../../../../src/core/errors.ts";
import { PodSpec } from "../../../../src/kube/pod.ts";
import { KubeObject } from "../../../../src/kube/resource.ts";
import { Workload } from "../../../../src/kube/workloads.ts";
import { strangeFields } from "../../../support/kube-schema.ts";
import { fullInput, sampleInput } from "./sample-input.ts";

const every = (["deployment", "job"] as const).flatMap((workload) =>
  (["safe", "classic"] as const).flatMap((template) =>
    podOwnershipModes.map((ownership) => ({ workload, template, ownership })),
  ),
);

function find(objects: readonly KubeObject[], kind: string): KubeObject {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`There is no ${kind}`);
  return found;
}

function workloadOf(changes: Partial<RenderInput> = {}): Workload {
  return Workload.parse(renderMigration(sampleInput(changes)).at(-1));
}

function podOf(changes: Partial<RenderInput> = {}): PodSpec {
  return workloadOf(changes).spec.template.spec;
}

function receiverOf(changes: Partial<RenderInput> = {}): KubeObject {
  const { data } = find(renderMigration(sampleInput(changes)), "ConfigMap") as unknown as {
    data: Record<string, string>;
  };
  return JSON.parse(data["receiver.json"]!);
}

const models: Record<string, string> = {
  ConfigMap: "V1ConfigMap",
  Deployment: "V1Deployment",
  Job: "V1Job",
  NetworkPolicy: "V1NetworkPolicy",
  Pod: "V1Pod",
  Secret: "V1Secret",
  ServiceAccount: "V1ServiceAccount",
};

describe("the objects of a migration", () => {
  it("are looked at by a schema that finds what is wrong", () => {
    const pod = { kind: "Pod", spec: { containers: [{ name: 1, privileged: true }], node: "x" } };
    expect(strangeFields(pod, "V1Pod", "Pod")).toEqual([
      "Pod.spec.containers[0].name is no string",
      "Pod.spec.containers[0].privileged is not known",
      "Pod.spec.node is not known",
    ]);
  });

  it.each(globSync("templates/*.yaml"))("are so in %s already", (path) => {
    const object = KubeObject.parse(parse(readFileSync(path, "utf8")));
    expect(strangeFields(object, models[object.kind]!, object.kind)).toEqual([]);
  });

  it.each(every)("are as Kubernetes knows them: $workload, $template, $ownership", (choice) => {
    for (const input of [sampleInput(choice), fullInput(choice)]) {
      for (const object of [...renderMigration(input), receiverOf(choice)]) {
        expect(strangeFields(object, models[object.kind]!, object.kind)).toEqual([]);
      }
    }
  });

  it("bear the migration's name and what it is, each of them", () => {
    for (const { metadata } of renderMigration(fullInput())) {
      expect(metadata.labels).toMatchObject({
        "app.kubernetes.io/managed-by": "migctl",
        "app.kubernetes.io/instance": "vision-full-1a2b3c4d",
        "app.kubernetes.io/component": "manager",
        team: "vision",
      });
      expect(metadata.annotations).toMatchObject({ "migctl/attempt": "a1" });
    }
  });

  it("come in an order in which each is there before it is needed", () => {
    expect(renderMigration(fullInput()).map(({ kind }) => kind)).toEqual([
      ...["ServiceAccount", "ConfigMap", "Secret", "NetworkPolicy", "Deployment"],
    ]);
  });

  it("belong to the workload once that is known", () => {
    const objects = renderMigration(fullInput());
    const made = find(objects, "Deployment");
    const workload = { ...made, metadata: { ...made.metadata, uid: "u-1" } };
    const owned = withOwner(objects, workload);
    const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "vision-full-1a2b3c4d" };
    for (const { kind, metadata } of owned) {
      const expected = kind === "Deployment" ? undefined : [{ ...owner, uid: "u-1" }];
      expect(metadata["ownerReferences"]).toEqual(expected);
    }
  });

  it("are the same for the same input", () => {
    expect(renderMigration(fullInput())).toEqual(renderMigration(fullInput()));
  });
});

describe("the manager's pod", () => {
  it("is as the classic template has it, word by word, but for plan and credentials", () => {
    const { spec } = workloadOf({ template: "classic" });
    const [container] = spec.template.spec.containers;
    expect(container?.args).toEqual([
      "touch /tmp/healthy && touch /opt/powerai-vision/data/logs/migration && " +
        "/usr/local/migration/migmgr run --plan /etc/migctl/plan/plan.json --attempt a1 >&2 && sleep 180",
    ]);
    expect(container?.resources).toEqual({ limits: { cpu: "0", memory: "0Mi" } });
    expect(container?.volumeMounts?.[0]).toEqual({
      name: "dlaas-data",
      mountPath: "/opt/powerai-vision/data",
      subPath: "data",
    });
    expect(spec["strategy"]).toBeUndefined();
    expect(spec.template.spec.securityContext).toBeUndefined();
  });

  it("gets the signals itself, and stays when it is over", () => {
    expect(podOf().containers[0]?.args?.[0]).toMatch(/; exec tini -- migmgr run .* --stay >&2$/);
    const ofJob = podOf({ workload: "job", rerun: true }).containers[0]?.args?.[0];
    expect(ofJob).toMatch(/; exec tini -- migmgr run .* --attempt a1 --rerun >&2$/);
  });

  it("can write to the source's logs, and to nothing else of it", () => {
    const mounts = podOf().containers[0]?.volumeMounts?.filter(({ name }) => name === "dlaas-data");
    expect(mounts).toEqual([
      {
        name: "dlaas-data",
        mountPath: "/opt/powerai-vision/data",
        subPath: "data",
        readOnly: true,
      },
      { name: "dlaas-data", mountPath: "/opt/powerai-vision/data/logs", subPath: "data/logs" },
    ]);
  });

  it("mounts a volume that is the data folder itself without a sub-path", () => {
    const { subPath: _, ...data } = sampleInput().data;
    const [whole, logs] = podOf({ data }).containers[0]?.volumeMounts ?? [];
    expect(whole).not.toHaveProperty("subPath");
    expect(logs).toMatchObject({ subPath: "logs" });
    const [classic] = podOf({ data, template: "classic" }).containers[0]?.volumeMounts ?? [];
    expect(classic).toEqual({ name: "dlaas-data", mountPath: "/opt/powerai-vision/data" });
  });

  it("goes to the volume's node by the scheduler, and to the image's architectures", () => {
    const input = fullInput();
    const { spec } = Workload.parse(renderMigration(input).at(-1));
    expect(spec.template.spec.nodeName).toBeUndefined();
    expect(JSON.stringify(spec.template.spec["affinity"])).toContain(
      '"matchExpressions":[{"key":"kubernetes.io/arch","operator":"In","values":["amd64","ppc64le"]}],' +
        '"matchFields":[{"key":"metadata.name","operator":"In","values":["node-1.example.com"]}]',
    );
  });

  it("has the document's limits of none on request", () => {
    const { resources } = podOf({ resources: "none" }).containers[0]!;
    expect(resources).toEqual({ limits: { cpu: "0", memory: "0Mi" } });
  });

  it("leaves out the chart where the release has none", () => {
    const { spec } = workloadOf({ release: { name: "masmvi", app: "vision" } });
    expect(spec.template.metadata?.labels).not.toHaveProperty("chart");
    expect(spec.template.metadata?.labels).toMatchObject({ release: "masmvi" });
  });

  it("names an existing ServiceAccount without making it", () => {
    const objects = renderMigration(sampleInput({ serviceAccount: "theirs" }));
    expect(objects.map(({ kind }) => kind)).not.toContain("ServiceAccount");
    expect(podOf({ serviceAccount: "theirs" }).serviceAccountName).toBe("theirs");
  });
});

describe("pod security", () => {
  const ids = { runAsUser: 1001, runAsGroup: 1001, fsGroup: 2000, supplementalGroups: [1] };

  it("lets OpenShift choose user and groups", () => {
    const context = podOf({ platform: { openshift: true, ...ids } }).securityContext;
    expect(Object.keys(context ?? {}).sort()).toEqual([
      ...["fsGroupChangePolicy", "runAsNonRoot", "seccompProfile"],
    ]);
  });

  it.each(["safe", "classic"] as const)("takes over the application's own: %s", (template) => {
    const platform = { openshift: false, ...ids };
    expect(podOf({ template, platform }).securityContext).toMatchObject(ids);
  });

  it.each(["map", "preserve"] as const)(
    "gives %s root with what it needs on each side, and no fsGroup",
    (ownership) => {
      const platform = { openshift: false, ...ids };
      const pod = podOf({ ownership, platform });
      expect(pod.securityContext).toMatchObject({ runAsUser: 0, runAsGroup: 0 });
      expect(pod.securityContext).not.toHaveProperty("fsGroup");
      const added = (spec: PodSpec) => spec.containers[0]?.["securityContext"];
      expect(added(pod)).toMatchObject({ capabilities: { drop: ["ALL"], add: ["DAC_OVERRIDE"] } });
      const receiver = PodSpec.parse(receiverOf({ ownership })["spec"]);
      expect(added(receiver)).toMatchObject({
        capabilities: { drop: ["ALL"], add: ["CHOWN", "DAC_OVERRIDE", "FOWNER"] },
      });
      expect(pod.volumes?.find(({ secret }) => secret)?.secret).toMatchObject({
        defaultMode: 0o400,
      });
    },
  );

  it("is each side's own: the source may allow root where the destination does not", () => {
    const reading = podOf({ ownership: "inherit", readsAsRoot: true });
    expect(reading.securityContext).toMatchObject({ runAsUser: 0 });
    const receiver = PodSpec.parse(receiverOf({ readsAsRoot: true })["spec"]);
    expect(receiver.securityContext).toMatchObject({ runAsNonRoot: true });
    const careful = podOf({ ownership: "preserve", readsAsRoot: false });
    expect(careful.securityContext).toMatchObject({ runAsNonRoot: true });
  });

  it.each(every.filter(({ template }) => template === "safe"))(
    "is the least in every container: $workload, $ownership",
    (choice) => {
      for (const spec of [podOf(choice), PodSpec.parse(receiverOf(choice)["spec"])]) {
        expect(spec).toMatchObject({
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { seccompProfile: { type: "RuntimeDefault" } },
        });
        expect(spec.containers[0]?.["securityContext"]).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        for (const volume of spec.volumes ?? []) expect(volume).not.toHaveProperty("hostPath");
      }
    },
  );
});

describe("secrets", () => {
  it("are in the Secret and in no other object", () => {
    const others = renderMigration(fullInput()).filter(({ kind }) => kind !== "Secret");
    expect(JSON.stringify(others)).not.toContain("canary");
    const secret = find(renderMigration(fullInput()), "Secret") as unknown as {
      data: Record<string, string>;
    };
    const values = Object.entries(secret.data).map(([key, value]) => [key, atob(value)]);
    expect(Object.fromEntries(values)).toEqual({
      "source-uri": "mongodb://canary-secret@h/",
      "https-proxy": "http://user:canary-proxy@proxy.example.com:3128",
    });
  });

  it("are left out of YAML, which tells where they are to come from", () => {
    const yaml = toYaml(renderMigration(fullInput()));
    expect(yaml).not.toContain("kind: Secret");
    expect(yaml).not.toContain(Buffer.from("canary-secret").toString("base64").slice(0, 12));
    expect(yaml).toMatch(/^# The Secret "mine" is not in here: make it first.*\n---\n/);
    const all = toYaml(renderMigration(fullInput()), { withSecrets: true });
    expect(all).toContain("kind: Secret");
    expect(all).toMatch(/^# The Secret "mine" is in here/);
  });

  it("can be made of values alone", () => {
    expect(
      renderSecret({ name: "mine", namespace: "default", values: { "a.crt": "ä\n" } }),
    ).toEqual({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "mine", namespace: "default" },
      type: "Opaque",
      data: { "a.crt": "w6QK" },
    });
  });
});

const attack =
  '"\n  privileged: true\n---\n# {{deploymentName}} \u0024{HOME} $(HOME) !!js/function x: &a *a %';

describe("values that mean something to YAML, to a template, to a shell or to the kubelet", () => {
  it.each([
    attack,
    "no",
    "Off",
    "NULL",
    "y",
    "012",
    "1e3",
    "1:20",
    "~",
    "=",
    "<<",
    "- x",
    "\u2028a: b\u0085c",
    "\ufeffx",
    "tab\there ",
    "😀 var-plan",
    "var-plan",
    "\ud800",
    "x".repeat(1024),
    "trailing\n\n",
    "\n",
    " lead\n",
  ])("stay what they are: %j", (text) => {
    const input = sampleInput({
      release: { name: text, chart: text, app: text },
      annotations: { "example.com/note": text },
    });
    const objects = renderMigration(input);
    const wellFormed = JSON.parse(
      JSON.stringify(objects, (_key, value) =>
        typeof value === "string" ? value.toWellFormed() : value,
      ),
    );
    const yaml = toYaml(objects, { header: [text] });
    for (const version of ["1.1", "1.2"] as const) {
      const documents = parseAllDocuments(yaml, { version });
      expect([documents].flat().map((document) => document.toJS())).toEqual(wellFormed);
    }
    const { spec } = Workload.parse(objects.at(-1));
    for (const label of Object.values(spec.template.metadata?.labels ?? {})) {
      expect(label).toMatch(/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/);
    }
    const notes = objects.at(-1)?.metadata.annotations;
    expect(notes?.["migctl/release"] ?? spec.template.metadata?.labels?.["release"]).toBe(text);
  });

  it("are words of the shell in the data folder's path, and no variables of the kubelet", () => {
    const mountPath = "/it's $(HOME) $HOME `x`; rm";
    const data = { ...sampleInput().data, mountPath };
    const [args] = podOf({ data }).containers[0]?.args ?? [];
    expect(args).toContain("touch '/it'\\''s $$(HOME) $$HOME `x`; rm'/logs/migration; exec");
    expect(podOf({ data }).containers[0]?.volumeMounts?.[0]?.mountPath).toBe(mountPath);
  });

  it("are not expanded in the environment", () => {
    const proxy = { NO_PROXY: "$(HOME)" };
    expect(podOf({ proxy }).containers[0]?.env).toContainEqual({
      name: "NO_PROXY",
      value: "$$(HOME)",
    });
  });
});

describe("labels", () => {
  it("keep different texts different within 63 characters", () => {
    expect(labelValue("ibm-visual-inspection-prod-3.0.0")).toBe("ibm-visual-inspection-prod-3.0.0");
    const long = "a".repeat(70);
    expect(labelValue(`${long}1`)).not.toBe(labelValue(`${long}2`));
    expect(labelValue("…")).toMatch(/^[0-9a-f]{8}$/);
    expect(labelValue("-a b-")).toMatch(/^a-b-[0-9a-f]{8}$/);
  });
});

function problemsOf(input: unknown): unknown {
  try {
    renderMigration(input as RenderInput);
  } catch (error) {
    if (error instanceof MigrationError) return { code: error.code, ...error.fields };
    throw error;
  }
  throw new Error("It was accepted");
}

describe("an input that cannot be", () => {
  it("is refused with all that is missing and all that is not known", () => {
    const { image: _, ...rest } = sampleInput();
    expect(problemsOf({ ...rest, pvcName: "x", data: { mountPath: "/data" } })).toEqual({
      code: "E_CONFIG",
      problems: ["image: is missing", "data.claim: is missing", "pvcName: is not known here"],
    });
  });

  it.each([
    ["namespace", { namespace: "../../kube-system" }],
    ["image.name", { image: { ...sampleInput().image, name: attack } }],
    ["data.claim", { data: { ...sampleInput().data, claim: attack } }],
    ["data.subPath", { data: { ...sampleInput().data, subPath: "../run" } }],
    ["data.subPath", { data: { ...sampleInput().data, subPath: "/run" } }],
    ["data.mountPath", { data: { ...sampleInput().data, mountPath: "/a/../etc" } }],
    ["data.mountPath", { data: { ...sampleInput().data, mountPath: "/a:/b" } }],
    ["attempt", { attempt: "a; rm -rf /" }],
    ["release.name", { release: { name: "x".repeat(1 << 20), app: "vision" } }],
    ["labels.a", { labels: { a: "b c" } }],
    ["annotations.a b", { annotations: { "a b": "c" } }],
    ["credentials.secret", { credentials: { secret: "A\n" } }],
  ])("because of %s", (name, changes) => {
    expect(problemsOf({ ...sampleInput(), ...changes })).toMatchObject({
      code: "E_CONFIG",
      problems: [expect.stringMatching(`^${name}: `)],
    });
  });

  it("never repeats a secret", () => {
    const credentials = { secret: "mine", values: { "canary key": "canary-value" } };
    expect(JSON.stringify(problemsOf({ ...sampleInput(), credentials }))).not.toContain(
      "canary-value",
    );
  });

  it("because the plan does not fit into a ConfigMap", () => {
    const { plan } = sampleInput();
    const items = Array.from({ length: 2000 }, () => plan.items[0]!);
    expect(problemsOf(sampleInput({ plan: { ...plan, items } }))).toEqual({ code: "E_USAGE" });
  });
});
