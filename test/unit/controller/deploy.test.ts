import { beforeEach, describe, expect, it } from "vitest";
import { deployMigration } from "../../../src/controller/deploy/deploy.ts";
import type { RenderInput } from "../../../src/controller/render/input.ts";
import { renderMigration } from "../../../src/controller/render/migration.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import { fakeCluster } from "../../support/fake-cluster.ts";
import type { FakeWrite } from "../../support/fake-writes.ts";
import { podOf } from "../../support/settled.ts";
import { sampleInput } from "./render/sample-input.ts";

const name = "vision-full-1a2b3c4d";

type Kind = RenderInput["workload"];

function start(workload: Kind, attempt: string): RenderInput {
  const secret = `${name}-credentials`;
  const credentials = { secret, values: { "source-uri": "mongodb://h/" } };
  return sampleInput({ workload, attempt, credentials });
}

/** A namespace with what an earlier start left there: its pod is over. */
function makeNamespace(workload: Kind) {
  const objects: KubeObject[] = [];
  const writes: FakeWrite[] = [];
  const told: string[] = [];
  const failing = { at: "" };
  function endPods(state: Parameters<typeof podOf>[1]) {
    const own = objects.find(({ kind }) => kind === "Job" || kind === "Deployment");
    const kept = objects.filter(({ kind }) => kind !== "Pod");
    objects.splice(0, objects.length, ...kept, ...(own ? [podOf(own, state)] : []));
  }
  const cluster = fakeCluster({
    objects,
    writes: {
      before(write) {
        writes.push(write);
        if (failing.at !== `${write.verb} ${write.resource}`) return;
        throw new MigrationError("E_UNAVAILABLE", "The API is gone");
      },
      after: ({ resource }) => {
        if (resource === "jobs" || resource === "deployments") endPods({});
      },
    },
  });
  objects.push(...renderMigration(start(workload, "first")));
  endPods({ waiting: "Completed" });
  return {
    ...{ objects, writes, told, failing },
    deploy: (next: Kind, dryRun: "none" | "server" = "none") =>
      deployMigration({
        ...{
          render: start(next, "second"),
          cluster,
          destination: fakeCluster({ objects: [], writes: {} }),
        },
        ...{ clock: systemClock, signal: AbortSignal.timeout(20_000), dryRun },
        startTimeoutSeconds: 10,
        note: (text) => told.push(text),
      }),
    workloads: () =>
      objects
        .filter(({ kind }) => kind === "Job" || kind === "Deployment")
        .map((object) => `${object.kind} ${object.metadata.annotations?.["migctl/attempt"]}`),
  };
}

describe("a second start of a migration", () => {
  let left: ReturnType<typeof makeNamespace>;
  beforeEach(() => {
    left = makeNamespace("job");
  });

  it("replaces the Job of the first one, and removes nothing else", async () => {
    await left.deploy("job");
    expect(left.workloads()).toEqual(["Job second"]);
    const deleted = left.writes.filter(({ verb }) => verb === "delete");
    expect(deleted.map((one) => `${one.resource} ${one.name}`)).toEqual([
      `configmaps ${name}-result`,
      `jobs ${name}`,
    ]);
    expect(left.told).toContain(`Removing the Job "${name}" of the earlier start`);
  });

  it("takes what the Job owned from it before it goes", async () => {
    await left.deploy("job");
    const order = left.writes.map(({ verb, resource }) => `${verb} ${resource}`);
    const gone = order.indexOf("delete jobs");
    for (const resource of ["serviceaccounts", "configmaps", "secrets"]) {
      expect(order.indexOf(`apply ${resource}`), resource).toBeLessThan(gone);
    }
  });

  it("only has the new Job checked in a dry run", async () => {
    expect(await left.deploy("job", "server")).toBe(false);
    expect(left.workloads()).toEqual(["Job first"]);
    expect(left.writes).toEqual([]);
  });

  it("leaves nothing half made where the API fails between the two, and works afterwards", async () => {
    left.failing.at = "apply jobs";
    await expect(left.deploy("job")).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
    expect(left.objects).toEqual([]);
    left.failing.at = "";
    await left.deploy("job");
    expect(left.workloads()).toEqual(["Job second"]);
  });

  it.each([
    ["job", "deployment", "Deployment second"],
    ["deployment", "job", "Job second"],
    ["deployment", "deployment", "Deployment second"],
  ] as const)("after a %s may be a %s", async (first, second, expected) => {
    left = makeNamespace(first);
    await left.deploy(second);
    expect(left.workloads()).toEqual([expected]);
    const kinds = left.writes.filter(({ verb }) => verb === "delete").map((one) => one.resource);
    expect(kinds.slice(1)).toEqual(first === second ? [] : [`${first}s`]);
  });
});
