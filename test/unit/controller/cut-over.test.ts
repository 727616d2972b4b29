import { describe, expect, it } from "vitest";
import { quiesce } from "../../../src/controller/cut-over/quiesce.ts";
import { resumeSource } from "../../../src/controller/cut-over/resume-source.ts";
import { withQuiesce } from "../../../src/controller/cut-over/with-quiesce.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import { deployments } from "../../../src/kube/resources.ts";
import type { Fingerprint } from "../../../src/plan/fingerprint.ts";
import { type Bed, find, makeBed, namespace, silent, written } from "./cut-over-rig.ts";

const before = { portal: 2, taskanaly: 1 };
const down = { portal: 0, taskanaly: 0 };

function memory({ objects }: Bed, name = "mvi-full-1a2b") {
  return find(objects, "ConfigMap", `${name}-quiesce`);
}

/** Another migration between the same sides, in the same cluster. */
function other(bed: Bed): Bed["options"] {
  return { ...bed.options, name: "mvi-full-other" };
}

/** Answers one after the other, the last one again and again. */
function answers(...all: Fingerprint[]): () => Promise<Fingerprint> {
  let at = 0;
  return async () => all[Math.min(at++, all.length - 1)]!;
}

describe("quiesce", () => {
  it("remembers the replicas before it scales anything", async () => {
    const bed = makeBed();
    const { replicas, fingerprint } = await quiesce(bed.options);
    expect(bed.writes.map(({ verb, resource, name }) => `${verb} ${resource} ${name}`)).toEqual([
      "create configmaps mvi-full-1a2b-quiesce",
      "patch deployments/scale portal",
      "patch deployments/scale taskanaly",
    ]);
    expect(bed.replicas()).toEqual(down);
    expect(Object.fromEntries(replicas)).toEqual(before);
    expect(fingerprint).toEqual(silent);
    expect(memory(bed)).toMatchObject({
      metadata: {
        labels: {
          "app.kubernetes.io/managed-by": "migctl",
          "app.kubernetes.io/instance": "mvi-full-1a2b",
          "app.kubernetes.io/component": "quiesce",
        },
      },
      data: { portal: "2", taskanaly: "1" },
    });
  });

  it("takes a Deployment that does not say so for one of one replica", async () => {
    const bed = makeBed({ replicas: { portal: undefined } });
    await quiesce(bed.options);
    await resumeSource(bed.options);
    expect(bed.replicas()).toEqual({ portal: 1 });
  });

  it("keeps the first numbers when it is done again, and adds new writers", async () => {
    const bed = makeBed({ replicas: { ...before, late: 3, off: 0 } });
    await quiesce({ ...bed.options, writers: [{ name: "portal" }, { name: "off" }] });
    await quiesce(bed.options);
    expect(memory(bed)?.["data"]).toEqual({ portal: "2", taskanaly: "1", late: "3", off: "0" });
    expect(bed.said).toContain(
      'Deployment "portal" is remembered with 2 replicas from before, and has 0',
    );
    await resumeSource(bed.options);
    expect(bed.replicas()).toEqual({ ...before, late: 3, off: 0 });
  });

  it("takes the numbers of another controller that was faster", async () => {
    const bed = makeBed();
    let raced = false;
    const racing = makeBed({
      before({ verb }) {
        if (verb !== "create" || raced) return;
        raced = true;
        racing.objects.push(structuredClone(memory(bed)) as KubeObject);
      },
    });
    await quiesce(bed.options);
    const map = memory(bed);
    if (map !== undefined) map["data"] = { portal: "5", taskanaly: "1" };
    const { replicas } = await quiesce(racing.options);
    expect(Object.fromEntries(replicas)).toEqual({ portal: 5, taskanaly: 1 });
  });

  it("refuses where no writer is known", async () => {
    const failure = quiesce(makeBed({ replicas: {} }).options);
    await expect(failure).rejects.toMatchObject({ code: "E_REFUSED" });
    await expect(failure).rejects.toThrow("nothing can be quiesced");
  });

  it("scales nothing where a writer is gone", async () => {
    const bed = makeBed();
    const writers = [...bed.options.writers, { name: "lost" }];
    await expect(quiesce({ ...bed.options, writers })).rejects.toMatchObject({
      code: "E_DISCOVERY",
    });
    expect(bed.writes).toEqual([]);
  });

  it("names the pod that hangs, its Deployment and its node", async () => {
    const bed = makeBed({ hanging: ["portal-7c9-p0"] });
    await expect(quiesce(bed.options)).rejects.toMatchObject({
      message:
        'Pod "portal-7c9-p0" of Deployment "portal" is Running on node "node1": not gone after 0 s',
      hint: expect.stringContaining("kubectl describe pod portal-7c9-p0"),
      fields: { pods: ["portal-7c9-p0"] },
    });
  });

  it("does not wait for a pod that was evicted, nor for anybody else's", async () => {
    const evicted = structuredClone(find(makeBed().objects, "Pod", "portal-7c9-p1")) as KubeObject;
    evicted["status"] = { phase: "Failed" };
    evicted.metadata.name = "portal-7c9-evicted";
    const bed = makeBed({ hanging: ["portal-7c9-evicted"], more: [evicted] });
    await quiesce({ ...bed.options, writers: [{ name: "portal" }] });
    expect(bed.replicas()).toEqual({ portal: 0, taskanaly: 1 });
  });

  it("says when somebody scales a writer up again", async () => {
    const bed = makeBed();
    const ask = async () => {
      await bed.place.cluster.patch(
        deployments,
        { namespace, name: "portal", subresource: "scale" },
        { spec: { replicas: 1 } },
      );
      return silent;
    };
    await expect(quiesce({ ...bed.options, ask })).rejects.toMatchObject({
      code: "E_REFUSED",
      message: 'Deployment "portal" was scaled down, and somebody has scaled it to 1 again',
    });
  });

  it("refuses a source that is still written to, with what changes and who is connected", async () => {
    const bed = makeBed();
    const connected = [
      { host: "10.0.0.7", application: "vision", connections: 3 },
      { host: "10.0.0.8", connections: 1 },
    ];
    const ask = answers(silent, { ...written, connected });
    await expect(quiesce({ ...bed.options, ask })).rejects.toMatchObject({
      code: "E_REFUSED",
      message: expect.stringContaining('changed collection "Models" (+1 write operations)'),
      hint: expect.stringContaining('"vision" at 10.0.0.7 (3), 10.0.0.8 (1)'),
      fields: { changes: ['collection "Models" (+1 write operations)'], connected },
    });
  });

  it("says what the proof leaves open", async () => {
    const bed = makeBed();
    const weak: Fingerprint = { version: 1, database: { evidence: "size", collections: {} } };
    await quiesce({ ...bed.options, ask: async () => weak });
    expect(bed.said).toContainEqual(expect.stringContaining("only counts and sizes"));
  });

  const autoscaler: KubeObject = {
    ...{ apiVersion: "autoscaling/v1", kind: "HorizontalPodAutoscaler" },
    metadata: { name: "grow", namespace },
    spec: { scaleTargetRef: { kind: "Deployment", name: "portal" } },
  };

  it("mentions an autoscaler of a writer, unless they may not be listed", async () => {
    const bed = makeBed({ more: [autoscaler] });
    await quiesce(bed.options);
    expect(bed.said[0]).toMatch(/^HorizontalPodAutoscaler "grow" scales Deployment "portal"/);
    const may = (_: string, plural: string) => plural !== "horizontalpodautoscalers";
    const blind = makeBed({ more: [autoscaler], may });
    await quiesce(blind.options);
    expect(blind.said.join()).not.toContain("Autoscaler");
  });
});

describe("a crash", () => {
  class Crash extends Error {}

  /** A bed that is killed before its write of that number. */
  function crashing(at: number) {
    let count = 0;
    return makeBed({
      replicas: { ...before, off: 0 },
      before() {
        count++;
        if (count === at) throw new Crash();
      },
    });
  }

  it.each([1, 2, 3, 4])("before write %i of quiesce leaves what can be resumed", async (at) => {
    const bed = crashing(at);
    await expect(quiesce(bed.options)).rejects.toThrow(Crash);
    await resumeSource(bed.options);
    expect(bed.replicas()).toEqual({ ...before, off: 0 });
    expect(memory(bed)).toBeUndefined();
  });

  it.each([1, 2, 3, 4])("before write %i of quiesce leaves what can be quiesced", async (at) => {
    const bed = crashing(at);
    await expect(quiesce(bed.options)).rejects.toThrow(Crash);
    await quiesce(bed.options);
    expect(bed.replicas()).toEqual({ ...down, off: 0 });
    await resumeSource(bed.options);
    expect(bed.replicas()).toEqual({ ...before, off: 0 });
  });

  it.each([5, 6, 7])(
    "before write %i, within the resuming, is mended by another one",
    async (at) => {
      const bed = crashing(at);
      await quiesce(bed.options);
      await expect(resumeSource(bed.options)).rejects.toThrow();
      expect(memory(bed)).toBeDefined();
      await resumeSource(bed.options);
      expect(bed.replicas()).toEqual({ ...before, off: 0 });
      expect(memory(bed)).toBeUndefined();
    },
  );
});

describe("resuming the source", () => {
  it("says that nothing was quiesced, each time", async () => {
    const bed = makeBed();
    expect(await resumeSource(bed.options)).toBeUndefined();
    await quiesce(bed.options);
    expect(await resumeSource(bed.options)).toMatchObject({
      resumed: [
        { name: "portal", replicas: 2 },
        { name: "taskanaly", replicas: 1 },
      ],
    });
    expect(await resumeSource(bed.options)).toBeUndefined();
    const nothing = 'Nothing of the source is quiesced for "mvi-full-1a2b"';
    expect(bed.said.filter((text) => text === nothing)).toHaveLength(2);
  });

  it("puts the others back where one is gone", async () => {
    const bed = makeBed();
    await quiesce(bed.options);
    bed.objects.splice(
      bed.objects.findIndex(({ metadata }) => metadata.name === "portal"),
      1,
    );
    expect(await resumeSource(bed.options)).toMatchObject({ gone: ["portal"] });
    expect(bed.replicas()).toEqual({ taskanaly: 1 });
    expect(memory(bed)).toBeUndefined();
  });

  it("puts the others back where one may not be scaled, and goes on remembering", async () => {
    let isForbidden = false;
    const bed = makeBed({
      may: (verb, _, name) => !(isForbidden && verb === "patch" && name === "portal"),
    });
    await quiesce(bed.options);
    isForbidden = true;
    await expect(resumeSource(bed.options)).rejects.toMatchObject({
      code: "E_PERMISSION",
      hint: expect.stringContaining("migctl resume-source --name mvi-full-1a2b"),
    });
    expect(bed.replicas()).toEqual({ portal: 0, taskanaly: 1 });
    isForbidden = false;
    await resumeSource(bed.options);
    expect(bed.replicas()).toEqual(before);
  });

  it("does not guess where somebody has changed what is remembered", async () => {
    const bed = makeBed();
    await quiesce(bed.options);
    const map = memory(bed);
    if (map !== undefined) map["data"] = { portal: "two" };
    await expect(resumeSource(bed.options)).rejects.toThrow('says "two" replicas');
    expect(bed.replicas()).toEqual(down);
  });

  it("waits until the pods are available where that is asked for", async () => {
    const bed = makeBed();
    await quiesce(bed.options);
    await resumeSource({ ...bed.options, readySeconds: 0 });
    expect(bed.replicas()).toEqual(before);
  });

  it("leaves a writer down that another migration needs down, which then puts it back", async () => {
    const bed = makeBed();
    await quiesce(bed.options);
    await quiesce({ ...other(bed), writers: [{ name: "portal" }] });
    expect(bed.said).toContain('The migration "mvi-full-1a2b" holds down already: portal');
    expect(await resumeSource(bed.options)).toMatchObject({
      resumed: [{ name: "taskanaly", replicas: 1 }],
      held: [{ name: "portal", by: "mvi-full-other" }],
    });
    expect(bed.replicas()).toEqual({ portal: 0, taskanaly: 1 });
    await resumeSource(other(bed));
    expect(bed.replicas()).toEqual(before);
  });
});

describe("a run with a quiesced source", () => {
  type End = "done" | "detached" | "failed";
  function runOptions(bed: Bed, changes: Partial<Bed["options"]> = {}) {
    return {
      ...{ ...bed.options, ...changes, resumeSeconds: 60 },
      outcomeOf: (end: { result: End } | { error: unknown }) => {
        if ("error" in end) return "failed" as const;
        if (end.result === "detached") return "goes-on" as const;
        return end.result === "done" ? ("succeeded" as const) : ("failed" as const);
      },
    };
  }

  it("leaves the writers down after a success, and says so", async () => {
    const bed = makeBed();
    const result = await withQuiesce(runOptions(bed), async () => {
      expect(bed.replicas()).toEqual(down);
      return "done";
    });
    expect(result).toBe("done");
    expect(bed.replicas()).toEqual(down);
    expect(bed.said.at(-1)).toBe(
      "The migration has succeeded: the source's writers stay down; migctl resume-source --name mvi-full-1a2b puts them back",
    );
  });

  it("leaves them down while the migration goes on without us", async () => {
    const bed = makeBed();
    expect(await withQuiesce(runOptions(bed), async () => "detached")).toBe("detached");
    expect(bed.replicas()).toEqual(down);
    expect(bed.said.at(-1)).toMatch(/^The migration goes on: the source's writers stay down/);
  });

  it("puts them back after a result that is a failure", async () => {
    const bed = makeBed();
    expect(await withQuiesce(runOptions(bed), async () => "failed")).toBe("failed");
    expect(bed.replicas()).toEqual(before);
  });

  it("puts them back after an error, and throws it", async () => {
    const bed = makeBed();
    const run = () => Promise.reject(new MigrationError("E_POD", "The pod cannot start"));
    await expect(withQuiesce(runOptions(bed), run)).rejects.toMatchObject({ code: "E_POD" });
    expect(bed.replicas()).toEqual(before);
    expect(memory(bed)).toBeUndefined();
  });

  it("puts them back when it is stopped while it runs", async () => {
    const bed = makeBed();
    const stop = new AbortController();
    const run = async (): Promise<End> => {
      stop.abort(new MigrationError("E_INTERRUPTED", "Stopped"));
      stop.signal.throwIfAborted();
      return "done";
    };
    const options = runOptions(bed, { signal: stop.signal });
    await expect(withQuiesce(options, run)).rejects.toMatchObject({ code: "E_INTERRUPTED" });
    expect(bed.replicas()).toEqual(before);
  });

  it.each([1, 2, 3])("puts them back when it is stopped before write %i", async (at) => {
    const stop = new AbortController();
    let count = 0;
    const bed = makeBed({
      before() {
        count++;
        if (count === at) stop.abort(new MigrationError("E_INTERRUPTED", "Stopped"));
      },
    });
    let hasRun = false;
    const run = async (): Promise<End> => {
      hasRun = true;
      return "done";
    };
    const options = runOptions(bed, { signal: stop.signal });
    await expect(withQuiesce(options, run)).rejects.toThrow();
    expect(hasRun).toBe(false);
    expect(bed.replicas()).toEqual(before);
    expect(memory(bed)).toBeUndefined();
  });

  it("puts them back and does not run where the source is not silent", async () => {
    const bed = makeBed();
    const options = runOptions(bed, { ask: answers(silent, written) });
    const run = () => Promise.reject(new Error("It ran"));
    await expect(withQuiesce(options, run)).rejects.toMatchObject({ code: "E_REFUSED" });
    expect(bed.replicas()).toEqual(before);
  });

  it("throws what the run failed of where they cannot be put back, and says that", async () => {
    let isForbidden = false;
    const bed = makeBed({ may: (verb) => !(isForbidden && verb === "patch") });
    const run = () => {
      isForbidden = true;
      return Promise.reject(new MigrationError("E_POD", "The pod cannot start"));
    };
    await expect(withQuiesce(runOptions(bed), run)).rejects.toMatchObject({ code: "E_POD" });
    expect(bed.said.at(-2)).toMatch(/^The source's writers are still down: /);
    expect(bed.said.at(-1)).toBe("migctl resume-source --name mvi-full-1a2b puts them back");
    expect(memory(bed)).toBeDefined();
  });

  it("does not bring a source back that an earlier run has cut over", async () => {
    const bed = makeBed();
    await withQuiesce(runOptions(bed), async () => "done");
    expect(await withQuiesce(runOptions(bed), async () => "failed")).toBe("failed");
    expect(bed.replicas()).toEqual(down);
    expect(bed.said.at(-1)).toMatch(
      /^An earlier run has succeeded: the source's writers stay down/,
    );
    await resumeSource(bed.options);
    expect(bed.replicas()).toEqual(before);
  });

  it("brings a source back that a controller left down when it was killed", async () => {
    const bed = makeBed();
    await quiesce(bed.options);
    expect(await withQuiesce(runOptions(bed), async () => "failed")).toBe("failed");
    expect(bed.replicas()).toEqual(before);
  });
});
