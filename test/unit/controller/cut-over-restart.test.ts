import { expect, it } from "vitest";
import { restartAfter } from "../../../src/controller/after/restart-after.ts";
import { untilRolledOut } from "../../../src/controller/after/rollout.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import { fakeCluster } from "../../support/fake-cluster.ts";
import { deployment, find, makeBed, namespace } from "./cut-over-rig.ts";

const restarts = [{ name: "portal" }, { name: "taskanaly" }];
const signal = new AbortController().signal;

function optionsOf({ place }: ReturnType<typeof makeBed>) {
  const { cluster } = place;
  const clock = { ...systemClock, now: () => Date.UTC(2024, 0, 2, 3, 4, 5) };
  return { cluster, namespace, restarts, consent: true, timeoutSeconds: 0, clock, signal };
}

const command = (name: string) =>
  `restart Deployment "${name}": kubectl rollout restart deployment/${name} -n default`;

it("restarts as kubectl does, and waits until all of it is rolled out", async () => {
  const bed = makeBed();
  expect(await restartAfter(optionsOf(bed))).toEqual({
    done: ['restarted Deployment "portal"', 'restarted Deployment "taskanaly"'],
    todo: [],
  });
  expect(find(bed.objects, "Deployment", "portal")).toMatchObject({
    spec: {
      template: {
        metadata: {
          labels: { run: "portal" },
          annotations: { "kubectl.kubernetes.io/restartedAt": "2024-01-02T03:04:05.000Z" },
        },
      },
    },
  });
});

it("lists it, and does nothing, without consent", async () => {
  const bed = makeBed();
  expect(await restartAfter({ ...optionsOf(bed), consent: false })).toEqual({
    done: [],
    todo: [command("portal"), command("taskanaly")],
  });
  expect(bed.writes).toEqual([]);
});

it("restarts the rest where one may not be restarted, and tells why", async () => {
  const bed = makeBed({ may: (verb, _, name) => !(verb === "patch" && name === "portal") });
  const { done, todo } = await restartAfter(optionsOf(bed));
  expect(done).toEqual(['restarted Deployment "taskanaly"']);
  expect(todo).toEqual([
    expect.stringMatching(/^restart Deployment "portal".*it was tried: .*forbidden/),
  ]);
});

it("throws only when it is stopped", async () => {
  const stop = new AbortController();
  const bed = makeBed({ before: () => stop.abort(new Error("stopped")) });
  const options = { ...optionsOf(bed), signal: stop.signal };
  await expect(restartAfter(options)).rejects.toThrow("stopped");
});

function rolledTo(generation: number, status: object): KubeObject {
  const made = deployment("portal", 2);
  return { ...made, metadata: { ...made.metadata, generation }, status };
}

const whole = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

it.each<[string, object]>([
  ["the change was not seen by its controller", { ...whole, observedGeneration: 1 }],
  ["the change was not seen by its controller", {}],
  ["1 of 2 pods are new", { ...whole, updatedReplicas: 1 }],
  ["1 old pods are still there", { ...whole, replicas: 3 }],
  ["1 of 2 new pods are available", { ...whole, availableReplicas: 1 }],
])("does not take for rolled out: %s", async (open, status) => {
  const cluster = fakeCluster({ objects: [rolledTo(2, status)] });
  const wait = { cluster, namespace, clock: systemClock, signal, deadline: 0 };
  await expect(untilRolledOut(wait, "portal")).rejects.toMatchObject({
    code: "E_TIMEOUT",
    message: `Deployment "portal" is not rolled out: ${open}`,
  });
});

it("gives up at once where the cluster has given up", async () => {
  const condition = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" };
  const conditions = [{ ...condition, message: "timed out progressing" }];
  const cluster = fakeCluster({
    objects: [rolledTo(2, { ...whole, availableReplicas: 0, conditions })],
  });
  const deadline = Number.POSITIVE_INFINITY;
  const wait = { cluster, namespace, clock: systemClock, signal, deadline };
  await expect(untilRolledOut(wait, "portal")).rejects.toThrow("(timed out progressing)");
});

it("names a Deployment that is gone", async () => {
  const wait = { cluster: fakeCluster({ objects: [] }), namespace, clock: systemClock };
  const waiting = untilRolledOut({ ...wait, signal, deadline: 0 }, "portal");
  await expect(waiting).rejects.toThrow('There is no Deployment "portal" in namespace "default"');
});
