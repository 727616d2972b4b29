import { describe, expect, it } from "vitest";
import { loadClusterRequest } from "../../../src/config/load.ts";
import { loadApplication } from "../../../src/config/load-application.ts";
import type { Discovered } from "../../../src/controller/discover/discovered.ts";
import {
  checkApi,
  checkApiClock,
  checkKubernetes,
} from "../../../src/controller/doctor/check-api.ts";
import { checkImage } from "../../../src/controller/doctor/check-image.ts";
import { checkLimits, checkQuota } from "../../../src/controller/doctor/check-quota.ts";
import { checkSecurity } from "../../../src/controller/doctor/check-security.ts";
import { checkSide } from "../../../src/controller/doctor/check-side.ts";
import { checkVolume } from "../../../src/controller/doctor/check-volume.ts";
import { dryRun, managerPod, receiverPod, specOf } from "../../../src/controller/doctor/dry-run.ts";
import {
  exitCodeOf,
  failed,
  fromError,
  ok,
  warning,
} from "../../../src/controller/doctor/finding.ts";
import { parseQuantity } from "../../../src/controller/doctor/quantity.ts";
import { askRights, checkRights, neededRights } from "../../../src/controller/doctor/rights.ts";
import { askSide, type SideFacts, unopened } from "../../../src/controller/doctor/side-facts.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import type { Access, Cluster } from "../../../src/kube/cluster.ts";
import { LimitRange, Node, ResourceQuota } from "../../../src/kube/namespace-objects.ts";
import { PodSpec } from "../../../src/kube/pod.ts";
import { fakeCluster } from "../../support/fake-cluster.ts";
import { sampleInput } from "./render/sample-input.ts";

const none = { error: new MigrationError("E_PERMISSION", "Not allowed") };

function facts(changes: Partial<SideFacts>): SideFacts {
  const unknown = unopened("source", none.error);
  return { ...unknown, server: "https://api:6443", version: { value: "v1.34.4" }, ...changes };
}

/** An API that says that what it is to look at was made just then. */
function fakeClock(said: string | undefined): Pick<Cluster, "create"> {
  return {
    create: async (object) => ({
      ...object,
      metadata: { ...object.metadata, creationTimestamp: said },
    }),
  };
}

describe("the exit code", () => {
  it.each([
    [[], 0],
    [[ok("a", ""), warning("b", "")], 0],
    [[failed("a", "E_PERMISSION", "")], 4],
    [[failed("a", "E_PERMISSION", ""), failed("b", "E_QUOTA", "")], 5],
    [[failed("a", "E_SAME_SERVER", ""), failed("b", "E_QUOTA", "")], 6],
    [[failed("a", "E_TIMEOUT", "")], 5],
    [[failed("a", "E_DISCOVERY", ""), failed("b", "E_PERMISSION", "")], 4],
    [[failed("a", "E_DISCOVERY", "")], 2],
  ] as const)("of %j is %d", (findings, code) => {
    expect(exitCodeOf(findings)).toBe(code);
  });

  it("tells an error with its problems and its hint", () => {
    const error = new MigrationError("E_CONFIG", "It is wrong", {
      ...{ hint: "Correct it", fields: { problems: ["a: is missing"] } },
    });
    expect(fromError("x", error)).toEqual({
      ...{ id: "x", severity: "error", code: "E_CONFIG", seen: "It is wrong" },
      ...{ fix: "Correct it", details: ["a: is missing"] },
    });
  });
});

describe("a quantity", () => {
  it.each([
    ["500m", 0.5],
    ["2", 2],
    ["1.5Gi", 1.5 * 2 ** 30],
    ["128Mi", 2 ** 27],
    ["1e3", 1000],
    ["2E", 2e18],
    ["1G", 1e9],
    ["", undefined],
    ["x", undefined],
    ["1Zi", undefined],
  ])("%s is %d", (text, number) => {
    expect(parseQuantity(text)).toBe(number);
  });
});

const pod = PodSpec.parse({
  containers: [
    {
      name: "a",
      resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { memory: "1Gi" } },
    },
  ],
});

function quota(hard: Record<string, string>, used: Record<string, string>) {
  const value = ResourceQuota.parse({ metadata: { name: "q" }, status: { hard, used } });
  return {
    ...{ quotas: { value: [value] }, limits: { value: [] as LimitRange[] }, pod, isTaken: true },
    objects: { "count/pods": 1, "count/jobs.batch": 1 },
  };
}

describe("a quota", () => {
  it.each([
    [{ "requests.memory": "1Gi" }, { "requests.memory": "768Mi" }, "ok"],
    [{ "requests.memory": "1Gi" }, { "requests.memory": "769Mi" }, "error"],
    [{ memory: "1Gi" }, { memory: "900Mi" }, "error"],
    [{ cpu: "1" }, { cpu: "750m" }, "ok"],
    [{ "limits.memory": "1Gi" }, {}, "ok"],
    [{ pods: "3" }, { pods: "3" }, "error"],
    [{ "count/jobs.batch": "1" }, { "count/jobs.batch": "1" }, "error"],
    [{ services: "1" }, { services: "1" }, "ok"],
  ] as const)("of %j with %j used is %s", (hard, used, severity) => {
    expect(checkQuota("q", quota(hard, used))).toMatchObject([{ severity }]);
  });

  it("names a limit that it wants to be said and that the pod does not say", () => {
    expect(checkQuota("q", quota({ "limits.cpu": "2" }, {}))).toMatchObject([
      { code: "E_QUOTA", seen: "A quota wants the pod to say its limits.cpu, and it says none" },
    ]);
  });

  it("counts the defaults of a LimitRange", () => {
    const limits = LimitRange.parse({
      metadata: { name: "l" },
      spec: { limits: [{ type: "Container", default: { cpu: "1" } }] },
    });
    const asked = { ...quota({ "limits.cpu": "2" }, {}), limits: { value: [limits] } };
    expect(checkQuota("q", asked)).toMatchObject([{ severity: "ok" }]);
  });

  it("that may not be read is no error where the API took the pod", () => {
    const unread = { ...quota({}, {}), quotas: none };
    expect(checkQuota("q", unread)).toMatchObject([{ severity: "ok" }]);
    expect(checkQuota("q", { ...unread, isTaken: false })).toMatchObject([{ severity: "info" }]);
  });

  it("is beside a LimitRange that the pod must be within", () => {
    const limits = LimitRange.parse({
      metadata: { name: "l" },
      spec: { limits: [{ type: "Container", max: { memory: "512Mi" } }] },
    });
    expect(checkLimits("l", { ...quota({}, {}), limits: { value: [limits] } })).toMatchObject([
      { code: "E_QUOTA", seen: "The LimitRange does not allow the pod: 1Gi is more than 512Mi" },
    ]);
  });
});

describe("rights", () => {
  async function needed() {
    const known = (await loadApplication("mvi")).cluster!;
    return neededRights({
      ...{ side: "source", namespace: "vision", account: "migctl", known, ownSecrets: [] },
      ...{ secrets: [], writers: ["portal"], restarts: [], networkPolicy: false },
    });
  }

  it("are asked for one by one, exactly as the Role has them", async () => {
    const all = await needed();
    expect(all).toContainEqual({
      ...{ verb: "create", group: "", resource: "pods", subresource: "exec", namespace: "vision" },
    });
    expect(all).toContainEqual({
      ...{ verb: "patch", group: "apps", resource: "deployments", subresource: "scale" },
      ...{ namespace: "vision", name: "portal" },
    });
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(all.length);
  });

  it("that are missing are told as a Role", async () => {
    const cluster = fakeCluster({ objects: [] });
    const lacks = ({ resource, verb, subresource }: Access) =>
      (resource === "jobs" && verb !== "list") || subresource === "scale";
    const rights = await askRights(
      { ...cluster, can: async (access) => ({ allowed: !lacks(access) }) },
      await needed(),
    );
    const [finding] = checkRights({ side: "source", rights: { value: rights } });
    expect(finding).toMatchObject({ severity: "error", code: "E_PERMISSION" });
    expect(finding?.details).toEqual([
      "create, get, patch, delete jobs of batch",
      'get, patch deployments/scale "portal" of apps',
    ]);
    expect(finding?.fix).toMatchInlineSnapshot(`
      "Have this Role bound to the account (migctl rbac --side source prints all that is needed):
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata:
        name: migctl-missing
        namespace: vision
      rules:
        - apiGroups:
            - batch
          resources:
            - jobs
          verbs:
            - create
            - get
            - patch
            - delete
        - apiGroups:
            - apps
          resources:
            - deployments/scale
          resourceNames:
            - portal
          verbs:
            - get
            - patch"
    `);
  });
});

function found(claim: Partial<Discovered["claim"]["value"]>) {
  const value = {
    name: "data",
    uid: "u",
    phase: "Bound",
    accessModes: ["ReadWriteMany"],
    ...claim,
  };
  return { value: { claim: { value, from: "x" } } as Discovered };
}

describe("a volume", () => {
  it.each([
    [{}, "ok"],
    [{ phase: "Pending" }, "warning"],
    [{ phase: "Lost" }, "error"],
    [{ accessModes: ["ReadWriteOnce"], node: "n1" }, "info"],
    [{ accessModes: ["ReadWriteOnce"], node: "n2" }, "error"],
    [{ accessModes: ["ReadWriteOncePod"], node: "n1" }, "error"],
    [{ accessModes: ["ReadWriteOncePod"] }, "ok"],
  ])("with %j is %s", (claim, severity) => {
    const nodes = {
      value: [
        Node.parse({ metadata: { name: "n1" } }),
        Node.parse({ metadata: { name: "n2" }, spec: { unschedulable: true } }),
      ],
    };
    expect(checkVolume(facts({ found: found(claim), nodes }))).toMatchObject([{ severity }]);
  });

  it("without a file system, or about to go, cannot be used", () => {
    const metadata = { name: "data" };
    const block = { value: { metadata, spec: { volumeMode: "Block" } } };
    expect(checkVolume(facts({ found: found({}), claim: block }))).toMatchObject([
      { severity: "error", seen: expect.stringContaining("raw block device") },
    ]);
    const going = { value: { metadata: { ...metadata, deletionTimestamp: "now" }, spec: {} } };
    expect(checkVolume(facts({ found: found({}), claim: going }))).toMatchObject([
      { severity: "error", seen: expect.stringContaining("Terminating") },
    ]);
  });
});

describe("an image", () => {
  function node(name: string, images: string[], architecture = "amd64") {
    return Node.parse({
      metadata: { name },
      status: { nodeInfo: { architecture }, images: images.map((one) => ({ names: [one] })) },
    });
  }
  const local = { name: "localhost/migctl:1", architectures: ["amd64" as const] };
  const public_ = { ...local, name: "registry.example.com/migctl:1" };
  const common = { side: "source", node: undefined };

  it("is on the nodes that the pod can be on", () => {
    const nodes = { value: [node("a", [local.name]), node("p", [], "ppc64le")] };
    expect(checkImage({ ...common, nodes, image: local })).toMatchObject([{ severity: "ok" }]);
  });

  it("of no registry must be on one of them", () => {
    const nodes = { value: [node("a", [])] };
    expect(checkImage({ ...common, nodes, image: local })).toMatchObject([
      { severity: "error", code: "E_IMAGE", fix: expect.stringContaining("--image-file") },
    ]);
    expect(checkImage({ ...common, nodes, image: public_ })).toMatchObject([{ severity: "info" }]);
  });

  it("is not known to be missing where the node tells only some of its images", () => {
    const nodes = {
      value: [
        node(
          "a",
          Array.from({ length: 50 }, (_, at) => `other:${at}`),
        ),
      ],
    };
    expect(checkImage({ ...common, nodes, image: local })).toMatchObject([{ severity: "info" }]);
  });

  it("is built for another architecture than the nodes'", () => {
    const nodes = { value: [node("p", [local.name], "ppc64le")] };
    expect(checkImage({ ...common, nodes, image: local })).toMatchObject([
      { code: "E_IMAGE", seen: '"localhost/migctl:1" is for amd64, but the nodes are ppc64le' },
    ]);
  });
});

describe("the API", () => {
  it("of the destination is at an address that pods reach", () => {
    const loopback = facts({ side: "destination", server: "https://127.0.0.1:6443" });
    expect(checkApi(loopback)).toMatchObject([{ severity: "error", code: "E_CONFIG" }]);
    expect(checkApi({ ...loopback, side: "source" })).toMatchObject([{ severity: "ok" }]);
  });

  it.each([
    ["v1.34.4", "v1.34.1", "ok"],
    ["v1.34.4", "v1.31.0+k3s1", "info"],
    ["v1.34.4", "v1.29.9", "error"],
  ])("in the versions %s and %s is %s", (one, other, severity) => {
    const source = facts({ version: { value: one } });
    const destination = facts({ side: "destination", version: { value: other } });
    expect(checkKubernetes(source, destination)).toMatchObject([{ severity }]);
  });

  it.each([
    ["2026-01-01T00:00:10Z", 10_000, 10_200, 400],
    ["2026-01-01T00:00:10Z", 10_900, 11_100, -500],
    ["2026-01-01T00:00:15Z", 10_000, 10_200, 5400],
  ])("that says %s between %d and %d ms is off by %s ms", async (said, before, after, offsetMs) => {
    const times = [before, after].map((time) => Date.parse("2026-01-01T00:00:00Z") + time);
    const cluster = fakeClock(said);
    const { clock } = await dryRun(cluster, managerPod(sampleInput()), () => times.shift() ?? 0);
    expect(clock).toEqual({ offsetMs, uncertaintyMs: 600 });
  });

  it("may say nothing of its clock", async () => {
    const asked = dryRun(fakeClock(undefined), managerPod(sampleInput()), () => 0);
    expect(await asked).toEqual({ clock: undefined });
  });

  it("has a clock that may be two seconds off, and what cannot be measured", () => {
    const clock = (offsetMs: number) => ({ offsetMs, uncertaintyMs: 600 });
    expect(checkApiClock("source", clock(2600))).toMatchObject([{ severity: "ok" }]);
    expect(checkApiClock("source", clock(-2601))).toMatchObject([{ severity: "warning" }]);
    expect(checkApiClock("source", undefined)).toEqual([]);
  });

  it("that cannot be reached is asked no more than once", async () => {
    const refused = new MigrationError("E_UNAVAILABLE", "Cannot reach it");
    const asked: string[] = [];
    const cluster = new Proxy({} as Cluster, {
      get: (_, name) =>
        name === "server"
          ? "https://api:6443"
          : () => {
              asked.push(String(name));
              return Promise.reject(refused);
            },
    });
    const seen = await askSide({
      ...{ side: "destination", application: await loadApplication("mvi") },
      opened: { cluster, config: { cluster: {} }, access: {} } as never,
      request: loadClusterRequest({}),
      signal: new AbortController().signal,
    });
    expect(asked).toEqual(["version"]);
    expect(checkSide(seen, loadClusterRequest({}))).toMatchObject([
      { id: "destination.api", severity: "error", code: "E_UNAVAILABLE" },
    ]);
  });
});

describe("the pod that the API is asked to look at", () => {
  it("is the workload's own, under an account that is there", () => {
    const manager = managerPod(sampleInput());
    expect(specOf(manager)).toMatchObject({ serviceAccountName: "default" });
    expect(specOf(manager).containers[0]?.image).toBe(sampleInput().image.name);
    const receiver = receiverPod(sampleInput());
    expect(receiver?.metadata.namespace).toBe("mas-masmvi-visualinspection");
  });

  it.each([
    [undefined, true, true, "ok"],
    [none.error, true, true, "error"],
    [none.error, false, true, "info"],
    [none.error, false, false, "error"],
  ])(
    "refused with %s, rights %s, root allowed %s, is %s",
    (error, mayCreate, allowsRoot, severity) => {
      const dryRun = error === undefined ? { value: {} } : { error };
      const security = { platform: { openshift: false }, allowsRoot };
      const asked = { side: "source", security, asRoot: true, dryRun, mayCreate };
      expect(checkSecurity(asked)).toMatchObject([{ severity }]);
    },
  );
});
