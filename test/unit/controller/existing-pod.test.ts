import { expect, it } from "vitest";
import type { ClusterDestinationConfig } from "../../../src/config/network.ts";
import type { Discovered } from "../../../src/controller/discover/discovered.ts";
import { findExistingPod } from "../../../src/controller/discover/existing-pod.ts";
import type { Cluster } from "../../../src/kube/cluster.ts";
import type { Pod } from "../../../src/kube/pod.ts";

type Mount = NonNullable<Pod["spec"]["containers"][number]["volumeMounts"]>[number];

const auto = { transport: "auto", link: "auto" } as const;
const data: Mount = { name: "data", mountPath: "/srv/volume" };

function podWith(mounts: Record<string, Mount[]>, change: Partial<Pod["metadata"]> = {}): Pod {
  return {
    metadata: { name: "taker", ...change },
    spec: {
      containers: Object.entries(mounts).map(([name, volumeMounts]) => ({ name, volumeMounts })),
      volumes: [
        { name: "data", persistentVolumeClaim: { claimName: "mvi-data" } },
        { name: "other", persistentVolumeClaim: { claimName: "cache" } },
      ],
    },
    status: {
      containerStatuses: Object.keys(mounts).map((name) => ({
        ...{ name, ready: true, restartCount: 0, state: { running: {} } },
      })),
    },
  };
}

async function find(
  pod: Pod | undefined,
  {
    ways = auto,
    subPath = "data",
    container,
  }: Partial<{
    ways: Parameters<typeof findExistingPod>[2];
    subPath: string;
    container: string;
  }> = {},
) {
  const config: ClusterDestinationConfig = {
    ...{ cluster: {}, pod: "taker" },
    ...(container === undefined ? {} : { container }),
  };
  const found = {
    ...{ namespace: { value: "to", from: "" }, subPath: { value: subPath, from: "" } },
    claim: { value: { name: "mvi-data" }, from: "" },
  } as Discovered;
  const cluster = { get: async () => pod } as unknown as Cluster;
  return await findExistingPod({ config, cluster }, found, ways);
}

it.each([
  { mount: data, subPath: "data", dir: "/srv/volume/data" },
  { mount: { ...data, subPath: "data" }, subPath: "data", dir: "/srv/volume" },
  { mount: { ...data, subPath: "a" }, subPath: "a/b/c", dir: "/srv/volume/b/c" },
  { mount: { ...data, mountPath: "/srv/volume/" }, subPath: "", dir: "/srv/volume" },
])("tells where a pod has the data folder, as $dir", async ({ mount, subPath, dir }) => {
  const found = await find(podWith({ main: [mount] }), { subPath });
  expect(found).toEqual({ name: "taker", container: "main", dir });
});

it.each([
  { mount: { ...data, name: "other" }, why: "another claim" },
  { mount: { ...data, readOnly: true }, why: "for reading" },
  { mount: { ...data, subPath: "run" }, why: "another folder" },
  { mount: { ...data, subPath: "dat" }, why: "a folder with the same beginning" },
])("refuses a pod that mounts $why", async ({ mount }) => {
  await expect(find(podWith({ main: [mount] }))).rejects.toMatchObject({
    ...{ code: "E_DISCOVERY", message: expect.stringContaining('claim "mvi-data"') },
  });
});

it("asks which container is meant where several mount the data", async () => {
  const pod = podWith({ one: [data], two: [data] });
  await expect(find(pod)).rejects.toMatchObject({ message: expect.stringContaining("one, two") });
  expect(await find(pod, { container: "two" })).toMatchObject({ container: "two" });
  await expect(find(pod, { container: "no" })).rejects.toMatchObject({ code: "E_DISCOVERY" });
});

it("refuses a pod that is not there, or does not run", async () => {
  await expect(find(undefined)).rejects.toMatchObject({ code: "E_DISCOVERY" });
  const going = podWith({ main: [data] }, { deletionTimestamp: "2026-01-01T00:00:00Z" });
  await expect(find(going)).rejects.toMatchObject({ code: "E_POD" });
  const crashing = podWith({ main: [data] });
  const [status] = crashing.status?.containerStatuses ?? [];
  Object.assign(status ?? {}, { state: { waiting: { reason: "CrashLoopBackOff" } } });
  const message = expect.stringContaining("CrashLoopBackOff");
  await expect(find(crashing)).rejects.toMatchObject({ code: "E_POD", message });
});

it.each([{ link: "relay" }, { transport: "direct" }] as const)("refuses %o", async (way) => {
  const asked = find(podWith({ main: [data] }), { ways: { ...auto, ...way } });
  await expect(asked).rejects.toMatchObject({ code: "E_USAGE" });
});
