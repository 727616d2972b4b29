import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import type { Cluster } from "../../../src/kube/cluster.ts";
import type { Resource } from "../../../src/kube/resource.ts";
import { forwardDial, resolveByServices } from "../../../src/manager/link/service-target.ts";

interface PodFacts {
  labels?: Record<string, string>;
  ready?: boolean;
  phase?: string;
  deletionTimestamp?: string;
  ports?: { name?: string; containerPort: number }[];
  subdomain?: string;
  hostname?: string;
}

function pod(name: string, facts: PodFacts = {}) {
  const { labels = { app: "mongo" }, ready = true, phase = "Running", ports = [] } = facts;
  const { deletionTimestamp, subdomain, hostname } = facts;
  return {
    metadata: {
      name,
      namespace: "target",
      labels,
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
    },
    spec: {
      containers: [{ name: "c", ports }],
      ...(subdomain ? { subdomain } : {}),
      ...(hostname ? { hostname } : {}),
    },
    status: { phase, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

function service(name: string, spec: Record<string, unknown> = {}) {
  return { metadata: { name, namespace: "target" }, spec: { selector: { app: "mongo" }, ...spec } };
}

/** Answers from two lists, through the schemas that the real one uses. */
function clusterOf(objects: { services?: object[]; pods?: object[] }) {
  const asked: string[] = [];
  const parse = <T>(resource: Resource<T>) =>
    (objects[resource.plural as "pods"] ?? []).map((each) => ({
      raw: each as ReturnType<typeof pod>,
      object: resource.schema.parse(each),
    }));
  const cluster: Pick<Cluster, "get" | "list" | "forward"> = {
    async get(resource, name, namespace) {
      asked.push(`${namespace}/${name}`);
      if (namespace !== "target") return undefined;
      return parse(resource).find(({ raw }) => raw.metadata.name === name)?.object;
    },
    async list(resource, namespace, { labels = "" } = {}) {
      expect(namespace).toBe("target");
      const wanted = labels.split(",").map((one) => one.split("="));
      const matches = ({ raw }: { raw: ReturnType<typeof pod> }) =>
        wanted.every(([key = "", value]) => raw.metadata.labels[key] === value);
      return parse(resource)
        .filter(matches)
        .map(({ object }) => object);
    },
    async forward({ namespace, pod: name, port }) {
      const stream = Duplex.from([`${namespace}/${name}:${port}`]);
      return stream;
    },
  };
  const resolve = resolveByServices(cluster, { namespace: "target" });
  return { cluster, asked, resolve };
}

const toPort = { ports: [{ port: 27017, targetPort: 27018 }] };

describe("a Service's name", () => {
  it.each([
    "mongo",
    "MONGO",
    "mongo.target",
    "mongo.target.svc",
    "mongo.target.svc.cluster.local",
    "mongo.target.svc.cluster.local.",
  ])("as %s leads to a pod behind it", async (host) => {
    const { resolve } = clusterOf({ services: [service("mongo", toPort)], pods: [pod("m-0")] });
    const found = await resolve({ host, port: 27017 });
    expect(found).toEqual({ namespace: "target", pod: "m-0", port: 27018 });
  });

  it.each([
    ["by number", { ports: [{ port: 27017, targetPort: 5 }] }, 5],
    ["by name", { ports: [{ port: 27017, targetPort: "db" }] }, 7],
    ["that is left out", { ports: [{ port: 27017 }] }, 27017],
    [
      "of TCP where UDP has the same number",
      {
        ports: [
          { port: 27017, protocol: "UDP", targetPort: 1 },
          { port: 27017, protocol: "TCP", targetPort: 2 },
        ],
      },
      2,
    ],
    [
      "of a headless Service, which changes none",
      { clusterIP: "None", ports: [{ port: 1 }] },
      27017,
    ],
  ])("has the target port %s", async (_, spec, port) => {
    const ports = [{ name: "db", containerPort: 7 }];
    const { resolve } = clusterOf({
      services: [service("m", spec)],
      pods: [pod("m-0", { ports })],
    });
    expect(await resolve({ host: "m", port: 27017 })).toMatchObject({ port });
  });

  it("leads only to what is ready, runs, stays and has the port, always to the same", async () => {
    const ports = [{ name: "db", containerPort: 7 }];
    const pods = [
      ...[pod("z", { ports }), pod("g", { ports })],
      pod("a-other", { ports, labels: { app: "other" } }),
      pod("b-unready", { ports, ready: false }),
      pod("c-ended", { ports, phase: "Succeeded" }),
      pod("d-ending", { ports, deletionTimestamp: "2026-01-01T00:00:00Z" }),
      pod("e-older", {}),
    ];
    const spec = { ports: [{ port: 27017, targetPort: "db" }] };
    const { resolve } = clusterOf({ services: [service("m", spec)], pods });
    for (let times = 0; times < 3; times++) {
      expect(await resolve({ host: "m", port: 27017 })).toMatchObject({ pod: "g", port: 7 });
    }
  });

  it("needs all labels of the selector", async () => {
    const spec = { selector: { app: "mongo", role: "db" }, ...toPort };
    const pods = [pod("a"), pod("b", { labels: { app: "mongo", role: "db", more: "x" } })];
    const { resolve } = clusterOf({ services: [service("m", spec)], pods });
    expect(await resolve({ host: "m", port: 27017 })).toMatchObject({ pod: "b" });
  });
});

describe("a pod's own name", () => {
  const services = [service("mongo", { clusterIP: "None", ports: [{ port: 1 }] })];
  const pods = [0, 1, 2].map((n) => pod(`db-${n}`, { subdomain: "mongo", ready: n !== 1 }));

  it.each([
    "db-1.mongo",
    "db-1.mongo.target",
    "db-1.mongo.target.svc",
    "db-1.mongo.target.svc.cluster.local",
  ])("as %s leads to that pod, ready or not, without a change of port", async (host) => {
    const { resolve } = clusterOf({ services, pods });
    const found = await resolve({ host, port: 27017 });
    expect(found).toEqual({ namespace: "target", pod: "db-1", port: 27017 });
  });

  it("may be the host name that its pod was given", async () => {
    const named = pod("x-7f9c", { hostname: "primary", subdomain: "mongo" });
    const { resolve } = clusterOf({ services, pods: [...pods, named] });
    expect(await resolve({ host: "primary.mongo.target.svc", port: 1 })).toMatchObject({
      pod: "x-7f9c",
    });
  });

  it.each([
    ["that does not run", "db-7.mongo", /no pod "db-7" of Service "mongo" runs/],
    ["of another Service", "db-1.other", /it is no Service or pod that "target" knows/],
  ])("%s is refused", async (_, host, says) => {
    const { resolve } = clusterOf({ services, pods });
    await expect(resolve({ host, port: 1 })).rejects.toThrow(says);
  });
});

describe("what a port-forward cannot reach", () => {
  it.each([
    ["another network's name", "db.example.com", /it is no Service or pod/],
    ["an address", "10.1.2.3", /it is no Service or pod/],
    ["an IPv6 address", "fd00::1", /"\[fd00::1\]:27017": it is no Service or pod/],
    ["a name that none can have", "a_b/../c", /it is no Service or pod/],
    ["a name that leads outside", "outside", /only points to "db.example.com"/],
    ["a Service without a selector", "bare", /has no selector/],
    ["a port that the Service has not", "mongo", /has the ports 1, 2$/],
    ["a port's name that no pod has", "misnamed", /has a port called "db"/],
    ["a Service of no ready pod", "empty", /no pod of Service "empty" is ready/],
  ])("%s is refused with what to do", async (_, host, says) => {
    const services = [
      service("outside", { type: "ExternalName", externalName: "db.example.com", selector: {} }),
      service("bare", { selector: {}, ports: [{ port: 27017 }] }),
      service("mongo", { ports: [{ port: 1 }, { port: 2 }] }),
      service("misnamed", { ports: [{ port: 27017, targetPort: "db" }] }),
      service("empty", { selector: { app: "none" }, ports: [{ port: 27017 }] }),
    ];
    const { resolve } = clusterOf({ services, pods: [pod("m-0")] });
    const error = await resolve({ host, port: 27017 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MigrationError);
    expect(error).toMatchObject({ code: "E_UNAVAILABLE", message: expect.stringMatching(says) });
    expect((error as MigrationError).hint).toMatch(/relay|Look at the pods/);
  });

  it("is never asked for by a name that is none", async () => {
    const { resolve, asked } = clusterOf({});
    for (const host of ["10.1.2.3", "fd00::1", "a_b", "../x", "a..b", "x.y.z.w"]) {
      await resolve({ host, port: 1 }).catch(() => {});
    }
    expect(asked).toEqual([]);
  });
});

it("makes each connection a port-forward of its own", async () => {
  const { cluster, resolve } = clusterOf({ services: [service("m", toPort)], pods: [pod("m-0")] });
  const dial = forwardDial(cluster, resolve);
  for (let times = 0; times < 2; times++) {
    const stream = await dial({ host: "m", port: 27017 });
    expect(await stream.toArray()).toEqual(["target/m-0:27018"]);
  }
});
