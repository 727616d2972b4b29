import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseApplication } from "../../../src/config/load-application.ts";
import { probeActivity } from "../../../src/workers/probe-activity.ts";
import { askClock, probed } from "../../../src/workers/probe-answer.ts";
import { probeFiles, probeWorkDir } from "../../../src/workers/probe-files.ts";
import { samplePlan } from "../../support/sample-plan.ts";
import { tempDir } from "../../support/temp-dir.ts";

const { signal } = new AbortController();

/** A plan whose source is a new folder with these files. */
function planOf(names: readonly string[]) {
  const dir = tempDir();
  for (const name of names) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), "12345");
  }
  const plan = samplePlan({
    source: { kind: "local", dir, identity: "a" },
    workDir: join(dir, "logs/migrations"),
  });
  return { dir, plan };
}

describe("the files of a source", () => {
  it("are counted, but for those that never move", async () => {
    const { dir, plan } = planOf(["jane/a.bin", "jane/b.bin", "logs/x.log"]);
    chmodSync(join(dir, "jane/b.bin"), 0o4755);
    const seen = await probeFiles(plan, { signal, elapsed: () => 0 });
    expect(seen).toMatchObject({
      ...{ entries: 4, bytes: 10, isComplete: true, setId: 1, special: 0, owners: 1 },
      unreadable: { count: 0, examples: [] },
    });
  });

  it("are told as far as the time lasted", async () => {
    const { plan } = planOf(Array.from({ length: 1500 }, (_, at) => `jane/${at}`));
    let now = 0;
    const elapsed = () => now++;
    const seen = await probeFiles(plan, { signal, elapsed, longestMs: 0 });
    expect(seen).toMatchObject({ entries: 1000, isComplete: false });
  });

  it("have their state kept in the nearest folder that is there", async () => {
    const { dir, plan } = planOf([]);
    expect(await probeWorkDir(plan.workDir)).toEqual({ dir });
  });
});

describe("a part of a probe", () => {
  it("is a failure with its code where it throws", async () => {
    expect(await probed(signal, () => Promise.reject(new Error("no")))).toEqual({
      failure: { code: "E_UNEXPECTED", message: "no" },
    });
  });

  it("ends the whole where a stop was asked for", async () => {
    const aborted = AbortSignal.abort(new Error("Stopped"));
    const work = () => Promise.reject(new Error("no"));
    await expect(probed(aborted, work)).rejects.toThrow("Stopped");
  });

  it("measures a clock against the middle of the question", async () => {
    const times = [1000, 1200];
    expect(
      await askClock(
        () => times.shift() ?? 0,
        async () => 3100,
      ),
    ).toEqual({
      ...{ offsetMs: 2000, uncertaintyMs: 100 },
    });
  });
});

describe("activity", () => {
  const application = parseApplication(
    `
application: shop
database: SHOP
mount: /data
collections: {}
activity:
  Tasks: { field: state, what: task, running: [busy], ended: [done] }
  Gone: { field: state, what: other task, running: [busy] }
`,
    "shop.yaml",
  );

  it("tells running states, and those of which nothing is known", async () => {
    const source = {
      collections: async () => [{ name: "Tasks", type: "collection", options: {} }],
      count: async () => 3,
    };
    const found = await probeActivity(
      {
        source: source as never,
        command: async () => ({ values: ["busy", "done", "odd", null] }),
      },
      application,
    );
    const common = { collection: "Tasks", what: "task", documents: 3 };
    expect(found).toEqual([
      { ...common, value: "busy", isRunning: true },
      { ...common, value: "odd", isRunning: false },
    ]);
  });

  it("is not looked for where the description says nothing of it", async () => {
    const plain = { ...application, activity: undefined };
    const source = { collections: async () => [] };
    const none = { source: source as never, command: async () => ({}) };
    expect(await probeActivity(none, plain)).toEqual([]);
  });
});
