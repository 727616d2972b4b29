import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OwnershipMap } from "../../src/config/ownership-map.ts";
import type { FileDestination } from "../../src/files/destination.ts";
import type { PathSpec, Selection } from "../../src/files/selected-entries.ts";
import { forecastOwnership } from "../../src/workers/forecast-ownership.ts";
import { onceSent, streamedDestination } from "../support/streamed-destination.ts";
import { mapAcls, readAcls } from "./acls.ts";
import { isRoot, makeRig, type Rig, rsyncDifferences } from "./files-rig.ts";
import { addAttributes, makeOddTree } from "./odd-tree.ts";
import { attachTo, startReceive } from "./receiver-rig.ts";

const ownershipMap: OwnershipMap = {
  users: [
    { from: "1001", to: 5001 },
    { from: "1000-1999", to: 5000 },
    { from: "0", to: 5009 },
  ],
  groups: [
    { from: "1001", to: 6001 },
    { from: "*", to: 6000 },
  ],
};
const oracle = ["--usermap=1001:5001,1000-1999:5000,0:5009", "--groupmap=1001:6001,*:6000"];

/** Everything of the odd tree, and files, folders, links and programs of several owners. */
function fill(root: string) {
  makeOddTree(root);
  addAttributes(join(root, "attributes"));
  fillOwned(root);
}

function fillOwned(root: string) {
  const folder = join(root, "owned");
  mkdirSync(folder);
  for (const [uid, gid] of [
    [1000, 1000],
    [1001, 1001],
    [1500, 2000],
    [3000, 3000],
    [0, 1001],
  ] as const) {
    const name = join(folder, `${uid}-${gid}`);
    mkdirSync(name);
    writeFileSync(join(name, "program"), `of ${uid}`);
    linkSync(join(name, "program"), join(name, "same"));
    symlinkSync("program", join(name, "link"));
    chownSync(join(name, "program"), uid, gid);
    lchownSync(join(name, "link"), uid, gid);
    chmodSync(join(name, "program"), 0o6755);
    chownSync(name, uid, gid);
    chmodSync(name, 0o3771);
  }
  giveAcls(folder);
}

/** Ids that the table changes, one by one, by a range and to others' order, and ids that it keeps. */
function giveAcls(folder: string) {
  const acl = (path: string, ...words: string[]) =>
    execFileSync("setfacl", [...words, join(folder, path)]);
  const users = "u:0:r,u:1001:rwx,u:1500:r-x,u:3000:rw-";
  acl("1001-1001/same", "-m", `${users},g::---,g:1001:r--,o::---`);
  acl("1500-2000", "-m", "u:1001:rwx");
  acl("1500-2000", "-d", "-m", `${users},g:77:rwx`);
}

function everything(rig: Rig, via: "rsync" | "tar"): { selection?: Selection } {
  if (via === "rsync") return {};
  const paths = readdirSync(rig.source).map(
    (name): PathSpec => ({ directory: Buffer.from(name), owned: true, via }),
  );
  return { selection: { kind: "paths", paths } };
}

/** This rsync walks by itself, and then maps no id within ACLs: getfacl reads those. */
const withoutAcls = "--no-acls";

/** By paths, the root is only the way to them and stays the destination's. */
function expectMapped(rig: Rig, via: "rsync" | "tar", words = oracle) {
  const lines = rsyncDifferences(rig.source, rig.destination, withoutAcls, ...words).split("\n");
  const rest = lines.filter((line) => line !== "" && !(via === "tar" && / \.\/$/.test(line)));
  expect(rest).toEqual([]);
  const expected = mapAcls(readAcls(rig.source), ownershipMap);
  expect(Object.keys(expected).length).toBeGreaterThan(3);
  expect(readAcls(rig.destination)).toEqual(expected);
}

function ownerOf(rig: Rig, path: string): string {
  const { uid, gid, mode } = lstatSync(join(rig.destination, path));
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
}

async function receiverAt(folder: string): Promise<FileDestination> {
  const { socket } = await startReceive(folder);
  const { receiver } = await attachTo(socket);
  return receiver.destination;
}

describe.runIf(isRoot)("the ownership mode map", () => {
  it.each([
    ["rsync", "a folder"],
    ["tar", "a folder"],
    ["rsync", "a receiver"],
    ["tar", "a receiver"],
  ] as const)(
    "gives by %s to %s what the table says, and the rest as it is",
    async (via, where) => {
      const rig = await makeRig();
      fill(rig.source);
      const to = where === "a folder" ? {} : { to: await receiverAt(rig.destination) };
      const settings = { ...everything(rig, via), ...to, ownership: "map" as const, ownershipMap };
      const first = await rig.migrate({ ...settings, verify: "full" });
      expect(rig.findings()).toEqual([]);
      expectMapped(rig, via);
      expect(ownerOf(rig, "owned/1001-1001/program")).toBe("5001:6001 6770");
      expect(ownerOf(rig, "owned/1500-2000")).toBe("5000:6000 3771");
      expect(ownerOf(rig, "owned/0-1001/link")).toBe("5009:6001 777");
      expect(ownerOf(rig, "owned/3000-3000/same")).toBe("3000:6000 6755");
      expect(ownerOf(rig, "modes/nobody")).toMatch(/^4294967294:6000 /);
      expect(first.verified.changedSince).toBe(0);

      const second = await rig.migrate({ ...settings, run: "two", verify: "full" });
      expect(second.compared).toMatchObject({ filesToSend: 0 });
      expect(second.synced.filesSent + second.tarred.filesSent).toBe(0);
      expectMapped(rig, via);
    },
  );

  it("sends only the batch again that was cut, by tar", async () => {
    const rig = await makeRig();
    const size = 200_000;
    mkdirSync(join(rig.source, "a"));
    for (let at = 0; at < 10; at++) {
      const file = join(rig.source, `a/${at}`);
      writeFileSync(file, randomBytes(size));
      chownSync(file, 1001, 1001);
      execFileSync("setfacl", ["-m", "u:1500:r", file]);
    }
    linkSync(join(rig.source, "a/0"), join(rig.source, "a/linked"));
    let received = 0;
    let cuts = 0;
    const to = streamedDestination(rig.destination, (stream) => {
      if (stream.program !== "tar") return;
      onceSent(stream, 1, () => (received += size * 2));
      if (received >= size * 6 && cuts++ < 2) onceSent(stream, 1.5 * size, stream.cut);
    });
    const settings = { ...everything(rig, "tar"), ownership: "map" as const, ownershipMap };
    const batch = { names: 100, bytes: 2 * size };
    const { tarred } = await rig.migrate({ ...settings, to, batch, verify: "full" });
    expect(cuts).toBeGreaterThanOrEqual(2);
    expect(received).toBeLessThanOrEqual(size * 2 * (6 + 2));
    expect(tarred.verdicts).toMatchObject({ migrated: 12, rejected: 0 });
    for (const name of [0, 9, "linked"]) expect(ownerOf(rig, `a/${name}`)).toBe("5001:6001 644");
    expect(lstatSync(join(rig.destination, "a/linked")).nlink).toBe(2);
    expect(readAcls(rig.destination)["./a/9"]).toContain("user:5000:r--");
  });

  it("finds in the verification an ACL that has the source's ids", async () => {
    const rig = await makeRig();
    fillOwned(rig.source);
    const steps = rig.steps({ ownership: "map", ownershipMap, verify: "none" });
    await steps.inventory();
    await steps.compare();
    await steps.sync();
    await steps.verify();
    const file = join(rig.destination, "owned/1001-1001/same");
    execFileSync("setfacl", ["-b", file]);
    const own = execFileSync("getfacl", ["-cp", join(rig.source, "owned/1001-1001/same")]);
    execFileSync("setfacl", ["-M", "-", file], { input: own });
    chmodSync(file, 0o6770);
    await expect(steps.verify()).rejects.toMatchObject({
      code: "E_INTEGRITY",
      message: expect.stringMatching(/^2 differences were found, the first in the ACL of "owned/),
    });
  });

  it.each(["rsync", "tar"] as const)("sees a table that changed later, by %s", async (via) => {
    const rig = await makeRig();
    fill(rig.source);
    const settings = { ...everything(rig, via), ownership: "map" as const };
    await rig.migrate({ ...settings, ownershipMap });
    // What somebody gave away at the destination stays given away.
    lchownSync(join(rig.destination, "owned/1000-1000/link"), 77, 77);
    const users = [{ from: "1001", to: 5555 }, ...ownershipMap.users];
    const changed = { ...settings, ownershipMap: { ...ownershipMap, users } };
    const second = await rig.migrate({ ...changed, run: "two" });
    expect(ownerOf(rig, "owned/1000-1000/link")).toBe("77:77 777");
    expect(second.compared.verdicts).toMatchObject({ updated: 4, conflict: 0, rejected: 0 });
    expect(ownerOf(rig, "owned/1001-1001")).toBe("5555:6001 3771");
    const third = await rig.migrate({ ...changed, run: "three" });
    expect(third.compared.filesToSend).toBe(0);
  });

  it("lists beforehand what becomes of whom, as the other modes do", async () => {
    const rig = await makeRig();
    const folder = join(rig.source, "a");
    mkdirSync(folder);
    writeFileSync(join(folder, "x"), "x");
    execFileSync("chown", ["-R", "1001:50", rig.source]);
    chmodSync(join(folder, "x"), 0o4755);
    const steps = rig.steps({ ownership: "map", ownershipMap });
    await steps.inventory();
    await steps.compare();
    const file = join(rig.work, "files.sqlite");
    expect(forecastOwnership(file, { ownership: "map", ownershipMap })).toEqual({
      mode: "map",
      changes: [
        { what: "user", from: 1001, to: 5001, entries: 3 },
        { what: "group", from: 50, to: 6000, entries: 3 },
      ],
      ...{ more: 0, setId: 0 },
    });
    expect(forecastOwnership(file, { ownership: "inherit" })).toEqual({
      mode: "inherit",
      changes: [
        { what: "user", from: 1001, entries: 3 },
        { what: "group", from: 50, entries: 3 },
      ],
      ...{ more: 0, setId: 1 },
    });
    expect(forecastOwnership(file, { ownership: "preserve" }).changes).toEqual([]);
  });

  it("leaves the owners of what was there already, and says that they differ", async () => {
    const rig = await makeRig();
    for (const side of [rig.source, rig.destination]) {
      for (const name of ["other", "mapped"]) writeFileSync(join(side, name), "same");
    }
    for (const name of ["other", "mapped"]) chownSync(join(rig.source, name), 1001, 1001);
    chownSync(join(rig.destination, "mapped"), 5001, 6001);
    execFileSync("touch", [
      "-d",
      "@1000",
      ...["source", "destination"].flatMap((side) =>
        ["other", "mapped"].map((name) =>
          join(side === "source" ? rig.source : rig.destination, name),
        ),
      ),
    ]);
    const { compared } = await rig.migrate({ ownership: "map", ownershipMap });
    expect(compared.verdicts.identical).toBeGreaterThanOrEqual(2);
    expect(compared.attributesDiffer).toBeGreaterThanOrEqual(1);
    expect(ownerOf(rig, "other")).toMatch(/^0:0 /);
    expect(ownerOf(rig, "mapped")).toMatch(/^5001:6001 /);
  });
});
