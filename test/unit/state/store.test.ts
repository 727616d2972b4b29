import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { registerSecret } from "../../../src/core/secrets.ts";
import { readStatus } from "../../../src/state/recover.ts";
import type { Status } from "../../../src/state/status.ts";
import { openStore } from "../../../src/state/store.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { done, noLock, openSample, runStarted, silent, started, writeSample } from "./sample.ts";

const names = ["status.json", "status.previous.json", "events.ndjson"];

async function reopened(folder: string): Promise<Status | undefined> {
  const store = await openSample(folder);
  await store.close();
  return store.status;
}

function copyState(from: string, to: string) {
  mkdirSync(to, { recursive: true });
  for (const name of names) copyFileSync(join(from, name), join(to, name));
}

it("is read back by a reader and by the next writer", async () => {
  const folder = join(tempDir(), "deep", "migration");
  const status = await writeSample(folder);
  expect(status).toMatchObject({ seq: 3, items: [{ steps: [{ state: "done" }, {}] }, {}] });
  expect(await readStatus(folder)).toEqual(status);
  expect(await reopened(folder)).toEqual(status);
});

it("loses nothing when status.json is cut at any byte, empty or garbage", async () => {
  const folder = tempDir();
  const status = await writeSample(folder);
  const bytes = readFileSync(join(folder, "status.json"));
  for (let end = 0; end < bytes.length - 1; end += 1) {
    writeFileSync(join(folder, "status.json"), bytes.subarray(0, end));
    expect(await readStatus(folder)).toEqual(status);
  }
  for (const garbage of ["", "\0\0\0\0", "null", "[]", '{"version":1}', "\xff\xfe{"]) {
    writeFileSync(join(folder, "status.json"), garbage);
    expect(await reopened(folder)).toEqual(status);
  }
});

it("is rebuilt from any one of its three files, the previous snapshot one event behind", async () => {
  const folder = tempDir();
  const status = await writeSample(folder);
  for (const kept of names) {
    const copy = join(tempDir(), "copy");
    mkdirSync(copy);
    copyFileSync(join(folder, kept), join(copy, kept));
    const seq = kept === "status.previous.json" ? 2 : 3;
    expect(await readStatus(copy)).toMatchObject({ seq });
    const store = await openSample(copy);
    await store.append(
      kept === "status.previous.json"
        ? done
        : { type: "step-started", item: "server", step: "restore" },
    );
    await store.close();
    rmSync(join(copy, "status.json"));
    rmSync(join(copy, "status.previous.json"));
    expect(await readStatus(copy)).toEqual(store.status);
    expect(store.status?.items[0]?.steps[0]).toMatchObject({ id: "files", state: "done" });
  }
  expect(status?.seq).toBe(3);
});

it("goes on from the snapshot when the journal's last line is lost", async () => {
  const folder = tempDir();
  const status = await writeSample(folder);
  const journal = readFileSync(join(folder, "events.ndjson"));
  for (const end of [0, 10, journal.lastIndexOf(10, journal.length - 2) + 20]) {
    const copy = join(tempDir(), "copy");
    copyState(folder, copy);
    writeFileSync(join(copy, "events.ndjson"), journal.subarray(0, end));
    expect(await readStatus(copy)).toEqual(status);
    expect(await reopened(copy)).toEqual({ ...status, seq: 4 });
    for (const name of ["status.json", "status.previous.json"]) rmSync(join(copy, name));
    expect(await readStatus(copy)).toEqual({ ...status, seq: 4 });
  }
});

it("never starts from scratch when something is there of which nothing can be used", async () => {
  for (const name of names) {
    const folder = tempDir();
    writeFileSync(join(folder, name), "");
    await expect(readStatus(folder)).rejects.toMatchObject({ code: "E_INTEGRITY" });
    await expect(openSample(folder)).rejects.toMatchObject({ code: "E_INTEGRITY" });
    expect(readdirSync(folder)).toEqual([name]);
  }
});

it("shows the status beside a damaged journal, but does not go on from it", async () => {
  const folder = tempDir();
  const status = await writeSample(folder);
  const journal = readFileSync(join(folder, "events.ndjson"));
  journal.writeUInt8(journal.readUInt8(100) ^ 1, 100);
  writeFileSync(join(folder, "events.ndjson"), journal);
  expect(await readStatus(folder)).toEqual(status);
  await expect(openSample(folder)).rejects.toMatchObject({
    code: "E_INTEGRITY",
    fields: { line: 1 },
  });
  rmSync(join(folder, "events.ndjson"));
  expect(await reopened(folder)).toMatchObject({ seq: 4 });
});

it("refuses a status of a newer format rather than falling back", async () => {
  const folder = tempDir();
  await writeSample(folder);
  writeFileSync(join(folder, "status.json"), '{"version":2}');
  await expect(readStatus(folder)).rejects.toMatchObject({ code: "E_VERSION" });
  await expect(openSample(folder)).rejects.toMatchObject({ code: "E_VERSION" });
});

it("makes nothing when it only reads", async () => {
  const folder = tempDir();
  await expect(readStatus(join(folder, "none"))).rejects.toMatchObject({ code: "E_NO_MIGRATION" });
  await expect(readStatus(folder)).rejects.toMatchObject({ code: "E_NO_MIGRATION" });
  expect(readdirSync(folder)).toEqual([]);
});

it("shows progress at most once a second and forgets none at the end of a step", async () => {
  const folder = tempDir();
  const time = { now: 10_000_000, elapsed: 0 };
  const store = await openSample(folder, { now: () => time.now, elapsed: () => time.elapsed });
  await store.append(runStarted);
  await store.append(started);
  store.progress("server", "files", { phase: "copying", files: { done: 1, total: 3 } });
  await sleep(50);
  expect((await readStatus(folder)).items[0]?.steps[0]?.progress?.files?.done).toBe(1);
  store.progress("server", "files", { phase: "copying", files: { done: 2, total: 3 } });
  await sleep(50);
  expect((await readStatus(folder)).items[0]?.steps[0]?.progress?.files?.done).toBe(1);
  time.elapsed = 700;
  time.now -= 3_600_000;
  await store.append(done);
  await store.close();
  const step = (await readStatus(folder)).items[0]?.steps[0];
  expect(step).toMatchObject({ milliseconds: 700, progress: { files: { done: 2 } } });
  rmSync(join(folder, "status.json"));
  expect(await readStatus(folder)).toEqual(store.status);
});

it("shows at once what a run waits for, and forgets it when the run goes on or is begun again", async () => {
  const folder = tempDir();
  const store = await openSample(folder);
  const waiting = { since: 1, what: "a log-in", reason: "Unauthorized", hint: "Renew it" };
  store.waits(waiting);
  expect(store.status).toBeUndefined();
  await store.append(runStarted);
  await store.append(started);
  const shown = () => readStatus(folder);
  store.waits(waiting);
  await expect.poll(shown).toMatchObject({ seq: 2, state: "running", waiting });
  store.waits(undefined);
  await expect.poll(shown).not.toHaveProperty("waiting");
  store.waits(waiting);
  await expect.poll(shown).toHaveProperty("waiting");
  await store.close();
  const again = await openSample(folder);
  await again.append(runStarted);
  await again.close();
  expect(await shown()).not.toHaveProperty("waiting");
});

it("shows how much may be sent from now on, and that there is no limit any more", async () => {
  const folder = tempDir();
  const store = await openSample(folder);
  store.limits(500);
  expect(store.status).toBeUndefined();
  await store.append(runStarted);
  const shown = () => readStatus(folder);
  store.limits(500);
  await expect.poll(shown).toMatchObject({ seq: 1, bandwidthLimit: 500 });
  await store.append(started);
  expect(await shown()).toMatchObject({ seq: 2, bandwidthLimit: 500 });
  store.limits(undefined);
  await expect.poll(shown).not.toHaveProperty("bandwidthLimit");
  await store.close();
});

it("ignores progress of steps that do not run", async () => {
  const store = await openSample(tempDir());
  store.progress("server", "files", { phase: "early" });
  await store.append(runStarted);
  const before = store.status;
  store.progress("server", "files", { phase: "early" });
  store.progress("nobody", "files", { phase: "early" });
  expect(store.status).toBe(before);
  await store.close();
});

it("writes nothing once the lock is lost", async () => {
  const folder = tempDir();
  let lost = false;
  const check = () => {
    if (lost) throw new Error("lost");
  };
  const store = await openStore(folder, {
    clock: { now: () => 5, elapsed: () => 5 },
    log: silent,
    lock: { ...noLock, check },
  });
  await store.append(runStarted);
  await store.append(started);
  const files = names.map((name) => readFileSync(join(folder, name), "utf8"));
  store.progress("server", "files", { phase: "copying" });
  lost = true;
  await expect(store.append(done)).rejects.toThrow("lost");
  await sleep(50);
  await store.close();
  expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(files);
});

it("tells who runs it that the lock is lost, when progress cannot be shown for that", async () => {
  const told: unknown[] = [];
  const failure = new MigrationError("E_LOCKED", "lost");
  let isLost = false;
  const check = () => {
    if (isLost) throw failure;
  };
  const store = await openStore(tempDir(), {
    clock: { now: () => 5, elapsed: () => 5 },
    log: silent,
    lock: { ...noLock, check },
    onLost: (error) => told.push(error),
  });
  await store.append(runStarted);
  await store.append(started);
  isLost = true;
  store.progress("server", "files", { phase: "copying" });
  await expect.poll(() => told).toEqual([failure]);
  await store.close();
});

it("keeps the order of appends that overlap", async () => {
  const folder = tempDir();
  const store = await openSample(folder);
  await Promise.all([store.append(runStarted), store.append(started), store.append(done)]);
  await store.close();
  expect(await readStatus(folder)).toMatchObject({ seq: 3 });
});

it("can be read at any moment while it is written", async () => {
  const folder = tempDir();
  const store = await openSample(folder);
  await store.append(runStarted);
  let isWriting = true;
  async function write() {
    for (let round = 0; round < 40; round += 1) {
      await store.append(started);
      store.progress("server", "files", { phase: "copying" });
      await store.append({ type: "run-interrupted", exitCode: 143 });
      await store.append(runStarted);
    }
    isWriting = false;
  }
  const writing = write();
  let last = 0;
  let reads = 0;
  for (; isWriting; reads += 1) {
    const { seq } = await readStatus(folder);
    expect(seq).toBeGreaterThanOrEqual(last);
    last = seq;
  }
  await writing;
  await store.close();
  expect(reads).toBeGreaterThan(10);
});

it("masks secrets in errors and keeps big integers as digits", async () => {
  const folder = tempDir();
  registerSecret("hunter2-hunter2");
  const store = await openSample(folder);
  await store.append(runStarted);
  await store.append(started);
  const message = "Cannot log in with hunter2-hunter2";
  const error = { code: "E_AUTHENTICATION", message, fields: { bytes: 10n, message } } as const;
  await store.append({ type: "step-failed", item: "server", step: "files", error });
  await store.close();
  for (const name of readdirSync(folder)) {
    expect(readFileSync(join(folder, name), "utf8")).not.toContain("hunter2");
  }
  expect((await readStatus(folder)).items[0]?.steps[0]?.error).toEqual({
    code: "E_AUTHENTICATION",
    message: "Cannot log in with ***",
    fields: { bytes: "10", message: "Cannot log in with ***" },
  });
  expect(existsSync(join(folder, "reserve"))).toBe(true);
});
