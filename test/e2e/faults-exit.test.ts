import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { acquireLock } from "../../src/state/lock.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import { applyChanged, managerPods, restartsOf, until } from "../support/cluster-run.ts";
import { damageFile } from "../support/damage-file.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { makeDir } from "../support/temp-dir.ts";

const small = ["--requests", "cpu=10m,memory=64Mi"];
const files = ["--migrationType", "files"];
const documents = ["--migrationType", "db", "--force-db"];

let bed: ClusterBed;
/** One of the files that are moved. */
let moved: string;

function folderOf(name: string): string {
  return join(bed.source.data, "logs/migrations", name);
}

async function start(name: string, ...args: string[]) {
  return await bed.migctl("start", "--name", name, "--wait", "-o", "json", ...small, ...args);
}

/** Its one pod waits, and was never restarted. */
async function expectIdle(name: string) {
  const pods = await managerPods(bed, name);
  expect(restartsOf(pods)).toEqual([0]);
  expect(pods[0]?.status?.containerStatuses?.[0]?.state?.running).toBeDefined();
}

describe.skipIf(noCluster)("a manager in its pod", () => {
  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir() });
    const { oracle } = await fillStandIn(bed.source, { server: "A", cases: "plain" });
    const files = Object.entries(oracle.scopes.server.files);
    moved = files.find(([path, { type }]) => type === "file" && path.endsWith(".jpg"))?.[0] ?? "";
  });
  afterAll(() => bed?.remove());

  it("ends with 8 where documents refer to files that are not there", async () => {
    const ran = await start("documents", ...documents);
    expect(ran).toMatchObject({ code: 8 });
    await expectIdle("documents");
  });

  it("ends with 0 and waits", async () => {
    expect(await start("codes", ...files)).toMatchObject({ code: 0 });
    await expectIdle("codes");
  });

  it("ends with 6 where the plan is another one than before", async () => {
    const ran = await start("codes", ...files, "--verify", "full");
    expect(ran).toMatchObject({ code: 6 });
    expect(ran.stderr).toContain("--rerun");
    await expectIdle("codes");
  });

  it("ends with 3 where the destination has something else, also of the same size and time", async () => {
    writeFileSync(join(bed.source.data, "both"), "of the source");
    writeFileSync(join(bed.destination.data, "both"), "of the destination");
    await damageFile(join(bed.destination.data, moved));
    const ran = await start("codes", ...files, "--rerun", "--verify", "full");
    expect(ran).toMatchObject({ code: 3 });
    expect(JSON.parse(ran.stdout).totals.files).toMatchObject({ conflict: 2 });
    const list = join(folderOf("codes"), "inventory/server/files-conflicts.ndjson");
    expect(readFileSync(list, "utf8")).toContain(moved);
    await expectIdle("codes");
  });

  it("ends with 4 where the database does not take the password", async () => {
    const { namespace, release } = bed.source;
    const secret = await bed.cluster.get("secret", release.secret, namespace);
    const data = secret["data"] as Record<string, string>;
    const right = Buffer.from(release.password).toString("base64");
    const keys = Object.keys(data).filter((key) => data[key] === right);
    const patch = async (value: string) => {
      const changed = Object.fromEntries(keys.map((key) => [key, value]));
      const text = JSON.stringify({ data: changed });
      await bed.cluster.kubectl("patch", "secret", release.secret, "-n", namespace, "-p", text);
    };
    expect(keys).not.toEqual([]);
    await patch(Buffer.from("wrong").toString("base64"));
    onTestFinished(() => patch(right));
    const ran = await start("log-in", ...documents);
    expect(ran).toMatchObject({ code: 4 });
    await expectIdle("log-in");
    await patch(right);
    expect((await start("log-in", ...documents)).code).toBe(0);
  });

  it("ends with 7 where another process works on the migration", async () => {
    const folder = folderOf("documents");
    const { signal } = new AbortController();
    const lock = await acquireLock(folder, { clock: systemClock, signal, beatMilliseconds: 200 });
    onTestFinished(() => lock.release());
    const ran = await start("documents", ...documents);
    expect(ran).toMatchObject({ code: 7 });
    expect(ran.stderr).toContain("is in use by process");
    await expectIdle("documents");
  });

  it("ends with 2 where what is asked for is not there", async () => {
    const ran = await start(
      "nobody",
      "--migrationType",
      "db",
      "--user",
      "nobody-at-all",
      "--force-db",
    );
    expect(ran).toMatchObject({ code: 2 });
  });

  it.each([
    ["is damaged", (text: string) => text.slice(0, 200)],
    ["is of another version", (text: string) => text.replace('"version": 1', '"version": 999')],
  ])("ends with 2 and waits where its plan %s", async (what, change) => {
    const name = `plan-${what.split(" ").at(-1)}`;
    await applyChanged(bed, [...files, ...small, "--name", name], (object) => {
      if (object.kind !== "ConfigMap") return;
      const data = object["data"] as Record<string, string>;
      const before = data["plan.json"] ?? "";
      data["plan.json"] = change(before);
      expect(data["plan.json"]).not.toBe(before);
    });
    await until(`a word of ${name}`, async () => {
      const [pod] = await managerPods(bed, name);
      if (pod?.status?.containerStatuses?.[0]?.state?.running === undefined) return false;
      const log = await bed.cluster.kubectl("logs", "-n", bed.source.namespace, pod.metadata.name);
      return log.includes("Over; waiting to be stopped") && log.includes('"exitCode":2');
    });
    await expectIdle(name);
  });
});
