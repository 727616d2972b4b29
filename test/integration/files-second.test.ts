import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeRig, type Rig, rsyncDifferences } from "./files-rig.ts";
import { ownedTree, wholeTree } from "./files-steps.ts";

const owned = ownedTree("jane");

function fill(rig: Rig, count: number) {
  mkdirSync(join(rig.source, "jane"));
  for (let at = 0; at < count; at++)
    writeFileSync(join(rig.source, "jane", `f${at}`), `file ${at}`);
}

function changeInPlace(path: string, content: string) {
  const { atime, mtime } = statSync(path);
  writeFileSync(path, content);
  utimesSync(path, atime, mtime);
}

it.each(["rsync", "tar"] as const)(
  "takes every kind of change in the second stage by %s",
  async (via) => {
    const rig = await makeRig();
    fill(rig, 20);
    const jane = join(rig.source, "jane");
    utimesSync(join(jane, "f0"), 1000, 1000);
    const paths = [{ directory: Buffer.from("jane"), owned: true, via }];
    const selection = { kind: "paths" as const, paths };
    await rig.migrate({ selection });
    changeInPlace(join(jane, "f0"), "FILE 0");
    appendFileSync(join(jane, "f1"), " grown");
    truncateSync(join(jane, "f2"), 2);
    rmSync(join(jane, "f3"));
    renameSync(join(jane, "f4"), join(jane, "renamed"));
    writeFileSync(join(jane, "new"), "new");
    utimesSync(join(jane, "f5"), 5000, 5000);
    chmodSync(join(jane, "f6"), 0o640);
    linkSync(join(jane, "f7"), join(jane, "linked"));
    const { compared, tarred, verified } = await rig.migrate({ selection, run: "two" });
    expect(compared.verdicts).toMatchObject({ updated: 6, migrated: 3, conflict: 0, rejected: 0 });
    expect(tarred.verdicts).toEqual(compared.verdicts);
    expect(verified.changedSince).toBe(0);
    rmSync(join(rig.destination, "jane/f3"));
    rmSync(join(rig.destination, "jane/f4"));
    utimesSync(join(rig.source, "jane"), 1, 1);
    utimesSync(join(rig.destination, "jane"), 1, 1);
    utimesSync(rig.source, 1, 1);
    utimesSync(rig.destination, 1, 1);
    expect(rsyncDifferences(rig.source, rig.destination)).toBe("");
  },
);

it("counts the same when the same run looks again, and what changed meanwhile as updated", async () => {
  const rig = await makeRig();
  fill(rig, 5);
  await rig.migrate({ selection: owned });
  const again = await rig.migrate({ selection: owned });
  expect(again.compared).toMatchObject({ filesToSend: 0, verdicts: { migrated: 7, identical: 0 } });
  appendFileSync(join(rig.source, "jane/f1"), " changed");
  const stage = await rig.migrate({ selection: owned });
  expect(stage.compared).toMatchObject({ filesToSend: 1, verdicts: { migrated: 6, updated: 1 } });
});

it("brings back what vanished from the destination", async () => {
  const rig = await makeRig();
  fill(rig, 3);
  await rig.migrate();
  rmSync(join(rig.destination, "jane/f1"));
  const { compared } = await rig.migrate({ run: "two" });
  expect(compared.filesToSend).toBe(1);
  expect(rsyncDifferences(rig.source, rig.destination)).toBe("");
});

it("does not read again what was identical from the start", async () => {
  const rig = await makeRig();
  fill(rig, 3);
  mkdirSync(join(rig.destination, "jane"));
  for (let at = 0; at < 3; at++)
    writeFileSync(join(rig.destination, "jane", `f${at}`), `file ${at}`);
  const first = await rig.migrate({ selection: wholeTree });
  expect(first.compared.verdicts).toMatchObject({ identical: 5, migrated: 0 });
  const record = rig.ledger.files.get(Buffer.from("jane/f1"));
  expect(record).toMatchObject({ ours: false, state: "written" });
  const second = await rig.migrate({ selection: wholeTree, run: "two" });
  expect(second.compared.verdicts.identical).toBe(5);
});

it("says what vanished between inventory and copy, by rsync and by tar", async () => {
  for (const via of ["rsync", "tar"] as const) {
    const rig = await makeRig();
    fill(rig, 3);
    const paths = [{ directory: Buffer.from("jane"), owned: true, via }];
    const steps = rig.steps({ selection: { kind: "paths", paths } });
    await steps.inventory();
    await steps.compare();
    rmSync(join(rig.source, "jane/f1"));
    await steps.sync();
    const { verdicts: counts } = await steps.tar();
    expect(counts).toMatchObject({ missing: 1, rejected: 0, migrated: 3 });
    expect(rig.findings()).toMatchObject([{ path: "jane/f1", verdict: "missing" }]);
    expect((await steps.verify()).changedSince).toBe(1);
  }
});

it("finds one changed byte at the destination although size and time are equal", async () => {
  const rig = await makeRig();
  fill(rig, 5);
  utimesSync(join(rig.source, "jane/f2"), 1000, 1000);
  const steps = rig.steps();
  await steps.inventory();
  await steps.compare();
  await steps.sync();
  changeInPlace(join(rig.destination, "jane/f2"), "fiLe 2");
  await expect(steps.verify()).rejects.toMatchObject({ code: "E_INTEGRITY" });
  const list = readFileSync(join(rig.work, "files-mismatches.ndjson"), "utf8");
  expect(JSON.parse(list)).toMatchObject({ path: "jane/f2", what: "content" });
});

it.each([
  ["mode", (path: string) => chmodSync(path, 0o600)],
  ["mtimeNs", (path: string) => utimesSync(path, 7, 7)],
  ["size", (path: string) => appendFileSync(path, "x")],
  ["existence", (path: string) => rmSync(path)],
] as const)("finds a wrong %s at the destination", async (what, spoil) => {
  const rig = await makeRig();
  fill(rig, 3);
  const steps = rig.steps({ verify: "none" });
  await steps.inventory();
  await steps.compare();
  await steps.sync();
  spoil(join(rig.destination, "jane/f1"));
  await expect(steps.verify()).rejects.toMatchObject({ code: "E_INTEGRITY" });
  expect(readFileSync(join(rig.work, "files-mismatches.ndjson"), "utf8")).toContain(`"${what}"`);
});

it("finds hard links that became files of their own", async () => {
  const rig = await makeRig();
  fill(rig, 1);
  linkSync(join(rig.source, "jane/f0"), join(rig.source, "jane/twin"));
  const steps = rig.steps();
  await steps.inventory();
  await steps.compare();
  await steps.sync();
  const twin = join(rig.destination, "jane/twin");
  const { atimeMs, mtimeMs } = lstatSync(twin);
  const content = readFileSync(twin);
  rmSync(twin);
  writeFileSync(twin, content);
  utimesSync(twin, atimeMs / 1000, mtimeMs / 1000);
  await expect(steps.verify()).rejects.toMatchObject({ code: "E_INTEGRITY" });
  expect(readFileSync(join(rig.work, "files-mismatches.ndjson"), "utf8")).toContain("hard link");
});

it("reports a source file that changed after the copy, and does not call it a mismatch", async () => {
  const rig = await makeRig();
  fill(rig, 3);
  const steps = rig.steps();
  await steps.inventory();
  await steps.compare();
  await steps.sync();
  appendFileSync(join(rig.source, "jane/f1"), " later");
  const verified = await steps.verify();
  expect(verified).toMatchObject({ changedSince: 1, hashed: 2 });
  expect(readFileSync(join(rig.work, "files-changed.ndjson"), "utf8")).toContain("jane/f1");
});
