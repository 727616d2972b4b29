import { expect, it } from "vitest";
import { refuseOtherPlace } from "../../../src/manager/refuse-other-place.ts";
import { type FakeCluster, fakeCluster } from "../../support/fake-cluster.ts";

const planned = {
  server: "https://planned.example:6443",
  uid: "11111111-1111-1111-1111-111111111111",
  namespace: "ns",
  namespaceUid: "uid-of-namespace",
  claim: { name: "data", uid: "uid-of-claim" },
  release: { name: "vision" },
};
const objects: FakeCluster["objects"] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "ns", uid: "uid-of-namespace" } },
  {
    ...{ apiVersion: "v1", kind: "PersistentVolumeClaim" },
    metadata: { name: "data", namespace: "ns", uid: "uid-of-claim" },
    ...{ spec: { accessModes: [], resources: {} }, status: { phase: "Bound" } },
  },
];

function check(changes: Partial<typeof planned>, cluster: Partial<FakeCluster> = {}) {
  return refuseOtherPlace(
    { cluster: { ...planned, ...changes } },
    fakeCluster({ objects, ...cluster }),
  );
}

it("takes the destination that was planned", async () => {
  await expect(check({})).resolves.toBeUndefined();
});

it.each([
  ["another cluster", { uid: "other" }, "The cluster at https://fake.example:6443", planned.uid],
  ["a namespace made anew", { namespaceUid: "other" }, 'Namespace "ns"', planned.namespaceUid],
  [
    "another volume of the same name",
    { claim: { name: "data", uid: "other" } },
    'PersistentVolumeClaim "data"',
    planned.claim.uid,
  ],
])("refuses %s, with both uids", async (_what, changes, names, found) => {
  await expect(check(changes)).rejects.toMatchObject({
    ...{ code: "E_REFUSED", exitCode: 6 },
    message: `${names} is not the destination that was planned: its uid is ${found}, the plan has other`,
  });
});

it("refuses a cluster that has no such claim", async () => {
  await expect(check({}, { objects: objects.slice(0, 1) })).rejects.toMatchObject({
    message: expect.stringContaining("its uid is none, the plan has uid-of-claim"),
  });
});

it("does not compare what it may not read", async () => {
  const other = { uid: "other", namespaceUid: "other", claim: { name: "data", uid: "other" } };
  await expect(check(other, { may: () => false })).resolves.toBeUndefined();
});
