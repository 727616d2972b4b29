import { existsSync, lstatSync } from "node:fs";
import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changeServer } from "../fixtures/server/change-server.ts";
import type { ServerOptions } from "../fixtures/server/make-server.ts";
import type { Oracle } from "../fixtures/server/oracle.ts";
import { canariesBelow } from "../support/canary.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, canariesIn, makeBed } from "../support/cluster-bed.ts";
import { ownPods, shownOf, watchProcesses } from "../support/cluster-facts.ts";
import { expectFiles, type Moves, movesOf, nameOf, stepsOf } from "../support/cluster-moves.ts";
import { resultOf, spawnMigctl, until } from "../support/cluster-run.ts";
import { expectedHashes } from "../support/migration.ts";
import { readTree } from "../support/read-tree.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

/** What the namespace's range of users begins with. */
const namespaceUser = 1_000_660_000;

/** Slow enough to be seen at work. */
const slow = ["--migrationType", "files", "--name", "slow", "--bwlimit", "20"];

interface Bundle {
  files: { path: string }[];
  missing: { path: string; reason: string }[];
}

/** Of the files of a bundle. */
const bundled = [
  ...["versions.json", "network.yaml", "doctor.json", "plan.json", "status.json", "report.json"],
  ...["source/cluster.yaml", "source/pods.yaml", "source/events.yaml", "destination/cluster.yaml"],
  ...["folder.json", "folder/events.ndjson", "folder/status.json"],
];

describe.skipIf(noCluster)("a migration between two releases", () => {
  let bed: ClusterBed;
  let moves: Moves;
  let options: ServerOptions;
  let oracle: Oracle;
  let before: Awaited<ReturnType<Moves["objects"]>>;
  let processes: ReturnType<typeof watchProcesses>;
  /** The names that migrations have by themselves. */
  const names = { files: "", full: "" };

  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir() });
    ({ oracle, options } = await fillStandIn(bed.source, { server: "A", cases: "plain" }));
    moves = movesOf(bed);
    before = await moves.objects();
    processes = watchProcesses();
  });
  afterAll(async () => {
    processes?.stop();
    await bed?.remove();
    if (bed !== undefined) removeTree(bed.folder);
  });

  async function replicas(): Promise<number[]> {
    const { taskanaly, service } = bed.source.release;
    const found = [taskanaly, service].map(async (name) => {
      const { spec } = await bed.cluster.get("deployment", name, bed.source.namespace);
      return (spec as { replicas: number }).replicas;
    });
    return await Promise.all(found);
  }

  /** Nothing of ours but how some migrations ended. */
  async function expectNothingLeft(...ended: string[]) {
    const results = ended.map((name) => `configmap/${name}-result`);
    expect(await moves.objects()).toEqual({
      from: [...before.from, ...results].sort(),
      to: before.to,
    });
    const { cluster, source, destination } = bed;
    for (const { namespace } of [source, destination]) {
      await expect.poll(() => ownPods(cluster, namespace), { timeout: 60_000 }).toEqual([]);
    }
  }

  it("makes nothing in a dry run, by the controller alone or with the API's check", async () => {
    for (const way of ["client", "server"]) {
      const ran = await moves.run(0, "--migrationType", "full", `--dry-run=${way}`);
      expect(ran.stderr).toMatch(/Deployment mvi-full-[0-9a-f]{8}/);
    }
    await expectNothingLeft();
  });

  it("is seen at work, and is not begun a second time meanwhile", async () => {
    await moves.run(0, "start", ...slow);
    const isSending = async () =>
      (await moves.statusOf("slow"))?.steps.some(
        ({ kind, state }) => kind === "files-sync" && state === "running",
      );
    await expect.poll(isSending, { timeout: 60_000 }).toBe(true);
    const second = await moves.run(7, "start", ...slow);
    expect(second.stderr).toContain('"slow" runs already');
    const shown = await moves.run(0, "--status");
    expect(shown.stdout).toMatch(/Migration slow: running.*files-sync.*Pod: slow-.* \(Running\)/s);
  });

  it("may be told to send less while it does, which its status shows", async () => {
    const { stdout } = await moves.run(0, "bwlimit", "10K", "--name", "slow");
    expect(stdout).toBe("Limit: 10.0 KiB/s; see migctl status");
    const shown = async () => (await moves.run(0, "--status")).stdout;
    await expect.poll(shown, { timeout: 60_000 }).toContain("sends at most 10.0 KiB/s of files");
  });

  it("stops at a checkpoint when it is deleted, and leaves nothing but how far it got", async () => {
    await moves.run(0, "delete", "--name", "slow");
    await expectNothingLeft("slow");
    expect((await moves.statusOf("slow"))?.state).toBe("interrupted");
    const shown = await moves.run(0, "status");
    expect(shown.stdout).toContain("Its pod is gone.");
  });

  it("is begun anew with other flags, and moves the files alone", async () => {
    const flags = ["--migrationType", "files", "--name", "slow", "--rerun", "--wait"];
    await moves.run(0, "start", ...flags);
    await expectFiles(bed.destination.data, oracle.scopes.server.files);
    expect(await moves.documents()).toEqual({});
    expect(await replicas()).toEqual([1, 1]);
  });

  it("gives every file to the destination's own user", () => {
    for (const path of Object.keys(oracle.scopes.server.files)) {
      expect.soft(lstatSync(join(bed.destination.data, path)).uid, path).toBe(namespaceUser);
    }
  });

  it("may be a Job from then on, which is replaced when it is started again", async () => {
    const flags = ["--migrationType", "files", "--name", "slow", "--workload", "job", "--wait"];
    const first = await moves.run(0, "start", ...flags);
    expect(first.stderr).toContain("Done already");
    const generation = (await moves.statusOf("slow"))?.generation ?? 0;
    const second = await moves.run(0, "start", ...flags, "--rerun");
    expect(second.stderr).toContain('Removing the Job "slow"');
    expect(await moves.statusOf("slow")).toMatchObject({
      state: "done",
      generation: generation + 1,
    });
    await moves.run(0, "delete", "--name", "slow");
    await expectNothingLeft("slow");
  });

  it("works the same from the YAML that kubectl applies", async () => {
    const flags = ["--migrationType", "files"];
    await moves.run(0, "secret", "create", ...flags);
    const { stdout } = await moves.run(0, "render", ...flags);
    names.files = /name: (mvi-files-[0-9a-f]{8})$/m.exec(stdout)?.[1] ?? "";
    await applyYaml(stdout);
    await until("it ends", () => resultOf(bed, names.files));
    const { stdout: report } = await moves.run(0, "report", "--name", names.files);
    expect(report).toContain("done and verified");
  });

  async function applyYaml(input: string) {
    const path = join(bed.folder, "rendered.yaml");
    await writeFile(path, input);
    await bed.cluster.kubectl("apply", "-f", path);
  }

  it("moves what changed since, and the documents, once the source is silent", async () => {
    const marker = join(bed.destination.data, "._init");
    await mkdir(marker);
    await writeFile(join(marker, "DataSets.index"), "");
    for (const path of [marker, join(marker, "DataSets.index")]) {
      await chown(path, namespaceUser, namespaceUser);
    }
    const changed = await changeServer(options);
    oracle = changed;
    const flags = ["--migrationType", "full", "--quiesce", "--after", "run", "--wait"];
    const ran = await moves.run(0, ...flags, "-o", "json");
    names.full = nameOf(ran);
    expect(await moves.documents()).toEqual(expectedHashes(changed.scopes.server));
    const { files } = changed.scopes.server;
    const found = await readTree(bed.destination.data);
    // What was deleted at the source meanwhile stays: nothing is ever removed.
    const kept = changed.changes.deletedFiles.map((path) => [path, found[path]!] as const);
    await expectFiles(bed.destination.data, { ...Object.fromEntries(kept), ...files });

    const sent = stepsOf(ran).reduce((sum, { output }) => sum + (output?.bytesSent ?? 0), 0);
    const whole = Object.values(files).reduce((sum, { size }) => sum + size, 0);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(whole / 2);
    expect(existsSync(marker)).toBe(false);
  });

  it("leaves the writers down, and has restarted what must see the documents anew", async () => {
    expect(await replicas()).toEqual([0, 0]);
    const { release, namespace } = bed.destination;
    const { spec } = await bed.cluster.get("deployment", release.service, namespace);
    expect(JSON.stringify(spec)).toContain("kubectl.kubernetes.io/restartedAt");
  });

  it("lists its migrations, and tells each one's steps, log and report", async () => {
    const list = await moves.run(0, "status", "-o", "json");
    const all = JSON.parse(list.stdout) as { name: string; status: { state: string } }[];
    expect(Object.fromEntries(all.map(({ name, status }) => [name, status.state]))).toEqual({
      slow: "done",
      [names.files]: "done",
      [names.full]: "done",
    });
    expect((await moves.run(0, "status")).stdout).toMatch(/^NAME +TYPE +STATE/);
    const one = await moves.run(0, "--migrationType", "full", "--status");
    expect(one.stdout).toContain(`Migration ${names.full}: done, exit code 0`);
    const log = await moves.run(0, "logs", "--name", names.full);
    expect(log.stdout).toContain("Run finished");
    const tail = await moves.run(0, "logs", "--name", names.full, "--tail", "2");
    expect(tail.stdout.trim().split("\n")).toHaveLength(2);
    expect(log.stdout.endsWith(tail.stdout)).toBe(true);
    const report = await moves.run(0, "report", "--name", names.full);
    expect(report.stdout).toContain("done and verified");
  });

  it("finds all of it equal when it is verified again, and leaves nothing of that", async () => {
    const objects = await moves.objects();
    const ran = await moves.run(0, "verify", "--name", names.full);
    expect(ran.stdout).toMatch(/server +files +[1-9]\d* files, [1-9]\d* hashed +equal/);
    expect(ran.stdout).toMatch(/server +documents +[1-9]\d* documents +equal/);
    expect(ran.stderr).toContain("verifying files");
    expect(await moves.objects()).toEqual(objects);
  });

  it("would be taken back by a pod of its own, whose look leaves nothing", async () => {
    const objects = await moves.objects();
    // What it has only updated is the files migration's before it.
    const ran = await moves.run(3, "undo", "--name", names.full, "-o", "json");
    const { done, counts } = JSON.parse(ran.stdout);
    expect(done).toBe(false);
    expect(counts.files.impossible).toBeGreaterThan(0);
    expect(counts.documents.removed).toBeGreaterThan(0);
    expect(await moves.objects()).toEqual(objects);
  });

  it("names the byte and the document that somebody changed at the destination since", async () => {
    const path = await flipByte();
    const id = await changeDocument();
    const ran = await moves.run(8, "verify", "--name", names.full);
    expect(ran.stdout).toContain(`${path}: content: expected`);
    expect(ran.stdout).toContain(`DataSets ${JSON.stringify(id)}: differs`);
    const json = await moves.run(8, "verify", "--name", names.full, "-o", "json");
    const { checks } = JSON.parse(json.stdout) as { checks: { part: string; equal: boolean }[] };
    expect(checks.map(({ part, equal }) => [part, equal])).toEqual([
      ["files", false],
      ["documents", false],
      ["references", true],
    ]);
  });

  /** In a file that keeps its size and its time. */
  async function flipByte(): Promise<string> {
    const files = Object.entries(oracle.scopes.server.files);
    const [path = ""] = files.find(([, { type, size }]) => type === "file" && size > 100) ?? [];
    const file = join(bed.destination.data, path);
    const time = join(bed.folder, "time");
    await execa("touch", ["-r", file, time]);
    const content = await readFile(file);
    content[50] = (content[50] ?? 0) ^ 1;
    await writeFile(file, content);
    await execa("touch", ["-r", time, file]);
    return path;
  }

  async function changeDocument(): Promise<unknown> {
    const { uri, release } = bed.destination;
    const client = new MongoClient(uri);
    try {
      const datasets = client.db(release.database).collection("DataSets");
      const before = await datasets.findOneAndUpdate({}, { $set: { changed: true } });
      return before?._id;
    } finally {
      await client.close();
    }
  }

  it("stops to verify when it is told to, and takes its pods along", async () => {
    const objects = await moves.objects();
    const migctl = spawnMigctl(bed, "verify", "--name", names.full);
    const { cluster, destination } = bed;
    const receiver = "app.kubernetes.io/component=receiver";
    await until("there is a receiver", async () => {
      const pods = await cluster.list("pods", destination.namespace, receiver);
      return pods.length > 0;
    });
    process.kill(migctl.pid, "SIGINT");
    expect((await migctl.ended).code).toBe(130);
    expect(await moves.objects()).toEqual(objects);
    expect(await ownPods(cluster, destination.namespace)).toEqual([]);
  });

  it("keeps every password and token out of whatever can be seen", async () => {
    const { cluster, source, destination } = bed;
    const lines = processes.stop();
    expect(lines.some((line) => line.includes("migmgr"))).toBe(true);
    const left = await execa("grep", ["-rh", "", join(source.data, "logs/migrations")]);
    const shown = {
      source: await shownOf(cluster, source.namespace),
      destination: await shownOf(cluster, destination.namespace),
      log: await cluster.kubectl("logs", "-n", source.namespace, `deployment/${names.full}`),
      printed: moves.printed(),
      state: left.stdout,
      processes: lines.join("\n"),
    };
    expect(shown.source).toContain(names.full);
    for (const [where, text] of Object.entries(shown)) {
      expect.soft(canariesIn(text, bed), where).toEqual([]);
    }
  });

  it("puts what tells of it into a bundle without any of them", async () => {
    const out = join(bed.folder, "debug.tar.gz");
    const ran = await moves.run(0, "debug", "--name", names.full, "--out", out, "-o", "json");
    const { files, missing } = JSON.parse(ran.stdout) as Bundle;
    // The accounts of migctl rbac may list neither.
    expect(missing).toEqual([
      { path: "source/networkpolicies.yaml", reason: expect.stringContaining("E_PERMISSION") },
      { path: "destination/events.yaml", reason: expect.stringContaining("E_PERMISSION") },
    ]);
    const paths = files.map(({ path }) => path);
    for (const path of bundled) expect.soft(paths).toContain(path);
    expect(paths.some((path) => /^source\/.*\.log$/.test(path))).toBe(true);
    await execa("tar", ["-xzf", out, "-C", bed.folder]);
    expect(canariesBelow(join(bed.folder, "migctl-debug"), bed.canaries)).toEqual([]);
    const secret = await readFile(join(bed.folder, "migctl-debug/source/secrets.yaml"), "utf8");
    expect(secret).toContain("source-uri");
  });

  it("puts the writers back when it is asked to, and says when there is nothing to", async () => {
    await moves.run(0, "resume-source");
    expect(await replicas()).toEqual([1, 1]);
    const again = await moves.run(2, "resume-source");
    expect(again.stderr).toContain("is quiesced");
  });

  it("removes all that it made and nothing else, and still knows how it ended", async () => {
    await moves.run(0, "--migrationType", "full", "--delete");
    await moves.run(0, "delete", "--name", names.files);
    await expectNothingLeft("slow", ...Object.values(names));
    expect(existsSync(join(bed.source.data, "logs/migrations", names.full))).toBe(true);
    const status = await moves.run(0, "--migrationType", "full", "--status");
    expect(status.stdout).toContain("Its pod is gone.");
    const report = await moves.run(0, "report", "--name", names.full);
    expect(report.stdout).toContain("done and verified");
    const logs = await moves.run(2, "logs", "--name", names.full);
    expect(logs.stderr).toContain("has no pod any more");
  });

  it("does nothing again when it is started again after that, and says so", async () => {
    const flags = ["--migrationType", "full", "--after", "run", "--wait"];
    const again = await moves.run(0, ...flags, "-o", "json");
    expect(stepsOf(again).every(({ attempts }) => attempts === 1)).toBe(true);
    expect(again.stderr).toContain("already");
    const log = await moves.run(0, "logs", "--name", names.full);
    expect(log.stdout).toContain("Already done");
    await moves.run(0, "delete", "--name", names.full);
  });

  it("knows of it from the volume alone where nothing is left in the namespace", async () => {
    const { cluster, source } = bed;
    const selector = "app.kubernetes.io/component=result";
    await cluster.kubectl("delete", "configmap", "-n", source.namespace, "-l", selector);
    const status = await moves.run(0, "--migrationType", "full", "--status");
    expect(status.stderr).toContain("a pod looks at the volume");
    expect(status.stdout).toContain(`Migration ${names.full}: done, exit code 0`);
  });

  it("forgets what the volume keeps of it when that is asked for, and nothing else", async () => {
    await moves.run(0, "--migrationType", "full", "--after", "run", "--wait");
    await moves.run(0, "delete", "--name", names.full, "--purge");
    const kept = join(bed.source.data, "logs/migrations");
    expect(existsSync(join(kept, names.full))).toBe(false);
    expect(existsSync(join(kept, names.files))).toBe(true);
    expect(existsSync(join(kept, "ledger"))).toBe(true);
  });
});
