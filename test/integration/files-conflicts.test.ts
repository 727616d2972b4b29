import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MigrationError } from "../../src/core/errors.ts";
import { sumOfVerdicts } from "../../src/core/verdict.ts";
import { makeRig, type Rig } from "./files-rig.ts";
import { ownedTree } from "./files-steps.ts";

const owned = ownedTree("jane");

function write(root: string, path: string, content: string) {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), content);
}

function read(rig: Rig, path: string): string {
  return readFileSync(join(rig.destination, path), "utf8");
}

/** Every way in which a destination can be in the way. */
function makeClashes({ source, destination }: Rig) {
  write(source, "jane/same", "same");
  write(destination, "jane/same", "same");
  chmodSync(join(destination, "jane/same"), 0o600);
  write(source, "jane/content", "ours!");
  write(destination, "jane/content", "their");
  write(source, "jane/size", "longer than theirs");
  write(destination, "jane/size", "short");
  write(source, "jane/type", "a file");
  symlinkSync("elsewhere", join(destination, "jane/type"));
  symlinkSync("here", join(source, "jane/link"));
  symlinkSync("there", join(destination, "jane/link"));
  write(source, "jane/folder/inside", "inside");
  write(destination, "jane/folder", "a file");
  write(source, "jane/was-file", "a file");
  write(destination, "jane/was-file/theirs", "theirs");
  write(source, "base/model", "source");
  write(destination, "base/model", "destin");
  write(source, "jane/new", "new");
}

const clashes = [
  ...["base/model", "jane/content", "jane/folder", "jane/folder/inside", "jane/link", "jane/size"],
  ...["jane/type", "jane/was-file"],
];

it("keeps what is at the destination and lists it with both sides", async () => {
  const rig = await makeRig();
  makeClashes(rig);
  const { compared, tarred } = await rig.migrate({ selection: owned, verify: "full" });
  expect(compared.verdicts).toMatchObject({ conflict: 8, migrated: 1, rejected: 0 });
  expect(tarred.verdicts).toEqual(compared.verdicts);
  expect(rig.findings().map(({ path }) => path)).toEqual(clashes);
  expect(rig.findings()[1]).toMatchObject({
    reason: "the content differs",
    source: { type: "f", size: 5 },
    destination: { type: "f", size: 5 },
  });
  expect(read(rig, "jane/content")).toBe("their");
  expect(read(rig, "jane/new")).toBe("new");
  expect(lstatSync(join(rig.destination, "jane/same")).mode & 0o777).toBe(0o600);
  expect(compared.attributesDiffer).toBeGreaterThan(0);
});

it("overwrites files and links of documents, never folders and never what no document has", async () => {
  const rig = await makeRig();
  makeClashes(rig);
  const settings = { selection: owned, onConflict: "overwrite" as const };
  const { compared, tarred } = await rig.migrate(settings);
  expect(compared.verdicts.conflict).toBe(8);
  expect(tarred.verdicts).toEqual(compared.verdicts);
  expect(read(rig, "jane/content")).toBe("ours!");
  expect(read(rig, "jane/size")).toBe("longer than theirs");
  expect(read(rig, "jane/type")).toBe("a file");
  expect(readlinkSync(join(rig.destination, "jane/link"))).toBe("here");
  expect(read(rig, "jane/folder")).toBe("a file");
  expect(read(rig, "jane/was-file/theirs")).toBe("theirs");
  expect(read(rig, "base/model")).toBe("destin");
  const second = await rig.migrate({ ...settings, run: "two" });
  expect(second.compared).toMatchObject({ filesToSend: 0, verdicts: { conflict: 4 } });
});

it("overwrites a file of equal size and time whose content differs", async () => {
  const rig = await makeRig();
  write(rig.source, "jane/model", "right");
  write(rig.destination, "jane/model", "wrong");
  for (const root of [rig.source, rig.destination]) utimesSync(join(root, "jane/model"), 5, 5);
  await rig.migrate({ selection: owned, onConflict: "overwrite" });
  expect(read(rig, "jane/model")).toBe("right");
});

it("takes the newer one under newest", async () => {
  const rig = await makeRig();
  for (const [name, ours, theirs] of [
    ["older", 10, 20],
    ["newer", 20, 10],
  ] as const) {
    write(rig.source, `jane/${name}`, "source");
    utimesSync(join(rig.source, "jane", name), ours, ours);
    write(rig.destination, `jane/${name}`, "destin");
    utimesSync(join(rig.destination, "jane", name), theirs, theirs);
  }
  await rig.migrate({ selection: owned, onConflict: "newest" });
  expect(read(rig, "jane/older")).toBe("destin");
  expect(read(rig, "jane/newer")).toBe("source");
});

it("stops under fail before anything is written, with the whole list", async () => {
  const rig = await makeRig();
  makeClashes(rig);
  const run = rig.migrate({ selection: owned, onConflict: "fail" });
  await expect(run).rejects.toMatchObject({ code: "E_CONFLICT" });
  expect(rig.findings()).toHaveLength(8);
  expect(existsSync(join(rig.destination, "jane/new"))).toBe(false);
});

it("leaves folders that were there with their owner, mode and time", async () => {
  const rig = await makeRig();
  write(rig.source, "jane/deep/new", "new");
  mkdirSync(join(rig.destination, "jane/deep"), { recursive: true });
  write(rig.destination, "other/file", "x");
  chmodSync(join(rig.destination, "jane"), 0o711);
  utimesSync(join(rig.destination, "jane"), 1000, 1000);
  utimesSync(join(rig.destination, "other"), 1000, 1000);
  await rig.migrate({ selection: owned });
  const jane = lstatSync(join(rig.destination, "jane"));
  expect([jane.mode & 0o777, jane.mtimeMs]).toEqual([0o711, 1_000_000]);
  expect(read(rig, "jane/deep/new")).toBe("new");
  expect(readdirSync(rig.destination).sort()).toEqual(["jane", "other"]);
});

it.each(["rsync", "tar"] as const)("never writes through a symbolic link by %s", async (via) => {
  const rig = await makeRig();
  const outside = join(rig.work, "outside");
  mkdirSync(outside);
  write(rig.source, "jane/models/m", "evil");
  write(rig.source, "jane/models/below/n", "evil");
  mkdirSync(join(rig.destination, "jane"));
  symlinkSync(outside, join(rig.destination, "jane/models"));
  const paths = [{ directory: Buffer.from("jane"), owned: true, via }];
  const selection = { kind: "paths" as const, paths };
  const { tarred } = await rig.migrate({ selection, onConflict: "overwrite" });
  expect(readdirSync(outside)).toEqual([]);
  expect(tarred.verdicts).toMatchObject({ conflict: 4, migrated: 0 });
  expect(rig.findings()[1]).toMatchObject({ reason: '"models" above it is a symbolic link' });

  const steps = rig.steps({ selection, run: "two" });
  rmSync(join(rig.destination, "jane/models"));
  await steps.inventory();
  await steps.compare();
  symlinkSync(outside, join(rig.destination, "jane/models"));
  await steps.sync();
  const late = await steps.tar();
  expect(readdirSync(outside)).toEqual([]);
  expect(late.verdicts).toMatchObject({ conflict: 4, migrated: 0 });
});

it("makes a conflict of what somebody puts there between comparison and copy", async () => {
  const rig = await makeRig();
  write(rig.source, "jane/a", "ours");
  write(rig.source, "jane/b", "ours");
  const steps = rig.steps({ selection: owned });
  await steps.inventory();
  await steps.compare();
  write(rig.destination, "jane/a", "theirs");
  const { verdicts: counts } = await steps.sync();
  expect(read(rig, "jane/a")).toBe("theirs");
  expect(counts).toMatchObject({ conflict: 1 });
  expect(sumOfVerdicts(counts)).toBe(4);
  expect(rig.findings()).toMatchObject([{ reason: "it appeared since the comparison" }]);
});

it("knows what somebody changed at the destination after us", async () => {
  const rig = await makeRig();
  for (const name of ["kept", "edited", "both", "restored"])
    write(rig.source, `jane/${name}`, name);
  await rig.migrate({ selection: owned });
  write(rig.destination, "jane/edited", "edited by hand");
  write(rig.destination, "jane/both", "edited by hand");
  write(rig.source, "jane/both", "changed at the source");
  const content = read(rig, "jane/restored");
  write(rig.destination, "jane/restored", content);
  const settings = { selection: owned, run: "two" };
  const { compared } = await rig.migrate(settings);
  expect(compared.verdicts).toMatchObject({ conflict: 2, updated: 0, migrated: 0 });
  expect(rig.findings()).toMatchObject([
    { path: "jane/both", reason: expect.stringContaining("changed since it was written") },
    { path: "jane/edited", reason: expect.stringContaining("changed since it was written") },
  ]);
  expect(read(rig, "jane/both")).toBe("edited by hand");
});

it("names files whose links lie outside of what is carried", async () => {
  const rig = await makeRig();
  write(rig.source, "jane/a", "shared");
  mkdirSync(join(rig.source, "joe"));
  linkSync(join(rig.source, "jane/a"), join(rig.source, "joe/a"));
  const paths = [{ directory: Buffer.from("jane"), owned: true }];
  const { compared } = await rig.migrate({ selection: { kind: "paths", paths } });
  expect(compared.linksOutside).toBe(1);
});

it("refuses paths that would leave the root", async () => {
  const rig = await makeRig();
  for (const path of ["../x", "a/../../x", "/etc", "a//b", "", ".."]) {
    const paths = [{ directory: Buffer.from(path), owned: true }];
    const steps = rig.steps({ selection: { kind: "paths", paths } });
    await expect(steps.inventory()).rejects.toBeInstanceOf(MigrationError);
  }
});
