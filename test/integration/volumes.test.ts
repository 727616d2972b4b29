import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loseBlocks, makeDiskImage, rotByte } from "../support/disk-image.ts";
import { tempDir } from "../support/temp-dir.ts";
import { isRoot, limited, makeRig, mountSmall } from "./files-rig.ts";
import { ownedTree } from "./files-steps.ts";

const vias = ["rsync", "tar"] as const;

function pathsBy(via: "rsync" | "tar") {
  const paths = [{ directory: Buffer.from("jane"), owned: true, via }];
  return { selection: { kind: "paths" as const, paths } };
}

it.each(vias)("says how many files are to come where none can be made, by %s", async (via) => {
  const rig = await makeRig();
  if (!mountSmall(rig.destination, "50m,nr_inodes=16")) return;
  mkdirSync(join(rig.source, "jane"));
  for (let at = 0; at < 30; at++) writeFileSync(join(rig.source, "jane", `f${at}`), `${at}`);
  const steps = rig.steps(pathsBy(via));
  await steps.inventory();
  await steps.compare();
  const error = await steps
    .sync()
    .then(() => steps.tar())
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    ...{ code: "E_NO_SPACE", exitCode: 5 },
    message: expect.stringMatching(/\d+ files are to come and \d+ can still be made$/),
  });
  const { fields } = error as { fields: { neededFiles: number; freeFiles: number } };
  expect(fields.neededFiles).toBeGreaterThan(fields.freeFiles);
  execFileSync("mount", ["-o", "remount,nr_inodes=100", rig.destination]);
  await steps.sync();
  const { verdicts } = await steps.tar();
  expect(verdicts).toMatchObject({ migrated: 31, rejected: 0, missing: 0 });
});

it.runIf(isRoot)("brings anew what a volume lost without a trace, and nothing else", async () => {
  const base = tempDir();
  const rig = await makeRig(base);
  const image = makeDiskImage(join(base, "image"), rig.destination);
  if (image === undefined) return;
  mkdirSync(join(rig.source, "jane"));
  const contents = { rotten: "-the rotten content", changed: "-the changed content", good: "good" };
  for (const [name, text] of Object.entries(contents)) {
    writeFileSync(join(rig.source, "jane", name), text);
  }
  const settings = { selection: ownedTree("jane"), verify: "full" as const };
  await rig.migrate(settings);
  image.unmount(rig.destination);
  rotByte(image, contents.rotten);
  image.mount(rig.destination);
  // Somebody's own change, of the same size and time.
  const changed = join(rig.destination, "jane/changed");
  const handle = openSync(changed, "r+");
  writeSync(handle, "Y");
  closeSync(handle);
  execFileSync("touch", ["-r", join(rig.source, "jane/changed"), changed]);
  await expect(rig.steps(settings).verify()).rejects.toMatchObject({ code: "E_INTEGRITY" });
  const again = await rig.migrate({ ...settings, run: "two" });
  expect(again.compared.verdicts).toMatchObject({ updated: 1, conflict: 1 });
  expect(again.synced.filesSent).toBe(1);
  expect(readFileSync(join(rig.destination, "jane/rotten"), "utf8")).toBe(contents.rotten);
  expect(readFileSync(changed, "utf8")).toMatch(/^Y/);
  expect(rig.findings()).toMatchObject([{ path: "jane/changed", verdict: "conflict" }]);
});

it.runIf(isRoot).each(vias)(
  "lists a file with a bad block, and carries the rest, by %s",
  async (via) => {
    const base = tempDir();
    const rig = await makeRig(base);
    const image = makeDiskImage(join(base, "image"), rig.source);
    if (image === undefined) return;
    mkdirSync(join(rig.source, "jane"));
    for (const name of ["a", "b", "z"])
      writeFileSync(join(rig.source, "jane", name), name.repeat(9000));
    execFileSync("sync", ["-f", rig.source]);
    writeFileSync(join(rig.source, "jane/bad"), "bad".repeat(9000));
    image.unmount(rig.source);
    image.mount(rig.source, "ro");
    loseBlocks(image, "/jane/bad");
    const { verified } = await rig.migrate(pathsBy(via));
    expect(rig.findings()).toMatchObject([{ path: "jane/bad", verdict: "rejected" }]);
    expect(readdirSync(join(rig.destination, "jane")).sort()).toEqual(["a", "b", "z"]);
    expect(verified.hashed).toBe(3);
  },
);

/** When the volume goes: before a step of that name, or while files are on their way. */
const moments = ["compare", "sync", "verify"] as const;

it.each(moments)(
  "does not take a volume that is gone before %s for an empty one",
  async (moment) => {
    const rig = await makeRig();
    if (!mountSmall(rig.source, "50m")) return;
    mkdirSync(join(rig.source, "jane"));
    writeFileSync(join(rig.source, "jane/one"), "one");
    const steps = rig.steps({ selection: ownedTree("jane") });
    await steps.inventory();
    for (const step of moments) {
      if (step === moment) break;
      await steps[step]();
    }
    execFileSync("umount", ["-l", rig.source]);
    await expect(steps[moment]()).rejects.toMatchObject({
      ...{ code: "E_UNAVAILABLE", exitCode: 5 },
      message: expect.stringContaining("it is empty, and 2 names were listed in it"),
    });
    mountSmall(rig.source, "50m");
  },
);

it.each(vias)(
  "stops where the volume goes while its files are sent, and goes on by %s",
  async (via) => {
    const base = tempDir();
    const rig = await makeRig(base);
    const volume = join(base, "volume");
    mkdirSync(join(volume, "jane"), { recursive: true });
    for (let at = 0; at < 40; at++) {
      writeFileSync(join(volume, "jane", `f${at}`), Buffer.alloc(1_000_000, at));
    }
    if (!mountSmall(rig.source, "1m")) return;
    execFileSync("mount", ["--bind", volume, rig.source]);
    const steps = rig.steps({
      ...pathsBy(via),
      bandwidth: limited(20_000),
      batch: { names: 10, bytes: 4_000_000 },
    });
    await steps.inventory();
    await steps.compare();
    const sending = steps.sync().then(() => steps.tar());
    const isUnderWay = () =>
      rig.progress.some(({ phase, bytes }) => phase === "copying" && bytes!.done > 0);
    const gone = expect
      .poll(isUnderWay, { interval: 2, timeout: 60_000 })
      .toBe(true)
      .then(() => execFileSync("umount", ["-l", rig.source]));
    await expect(sending).rejects.toMatchObject({ code: "E_UNAVAILABLE", exitCode: 5 });
    await gone;
    execFileSync("mount", ["--bind", volume, rig.source]);
    const again = rig.steps(pathsBy(via));
    await again.sync();
    const { verdicts } = await again.tar();
    expect(verdicts).toMatchObject({ migrated: 41, rejected: 0, missing: 0 });
    expect((await again.verify()).hashed).toBe(40);
    execFileSync("umount", ["-l", rig.source]);
  },
);
