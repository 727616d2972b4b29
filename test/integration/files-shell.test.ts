import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeShellDestination } from "../../src/receiver/shell/shell-destination.ts";
import { workMark } from "../../src/receiver/shell/temporary.ts";
import { localExec } from "../support/local-exec.ts";
import { pathWith, type ShellTools } from "../support/shell-tools.ts";
import { isRoot, makeRig, type Rig, rsyncDifferences } from "./files-rig.ts";
import { ownedTree } from "./files-steps.ts";
import { makeOddTree } from "./odd-tree.ts";

const large = 3_000_000;
const unfinished = ".migration-unfinished";

function fill({ source }: Rig) {
  for (let folder = 0; folder < 3; folder++) {
    const path = join(source, `jane/d${folder}/-deep\ner`);
    mkdirSync(path, { recursive: true });
    for (let at = 0; at < 10; at++) writeFileSync(join(path, `f${at}`), `${at}`.repeat(99));
    linkSync(join(path, "f1"), join(path, "linked"));
    symlinkSync("f2", join(path, "link"));
  }
  for (let at = 0; at < 4; at++) {
    writeFileSync(join(source, `jane/large${at}`), Buffer.alloc(large, at + 1));
  }
}

/** A destination by commands; `cutAfter` breaks the how-manieth session of a kind after so many bytes. */
function byShell(
  { destination: root }: Rig,
  { path, program = "rsync", cuts = 0 }: { path: string; program?: "rsync" | "tar"; cuts?: number },
) {
  const cut: number[] = [];
  const word = program === "rsync" ? "--server" : "--extract";
  const { exec } = localExec({
    path,
    onSession: ({ stdin, cut: breakIt }, command) => {
      if (!command.includes(word) || cut.length >= cuts) return;
      const limit = large * (cut.push(0) - 0.5);
      const write = stdin.write.bind(stdin) as (...args: unknown[]) => boolean;
      let sent = 0;
      stdin.write = (piece: Buffer, ...rest: unknown[]) => {
        const before = sent;
        sent += piece.length;
        if (before < limit && sent >= limit) breakIt();
        return write(piece, ...rest);
      };
    },
  });
  const to = makeShellDestination({ exec, root, label: root });
  onTestFinished(() => to.close());
  return { to, cut };
}

/** Whose environment says that they work for a destination of ours. */
function stillWorking(root: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const isOurs = readFileSync(`/proc/${pid}/environ`, "latin1").includes("MIGCTL_WORKS_IN=");
        return isOurs && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(root);
      } catch {
        return false;
      }
    });
}

function expectEqual({ source, destination }: Rig) {
  const lines = rsyncDifferences(source, destination).split("\n");
  expect(lines.filter((line) => !/^(\.d..t\S* \.\/)?$/.test(line))).toEqual([]);
}

const kinds: { tools: ShellTools; program: "rsync" | "tar" }[] = [
  { tools: "gnu", program: "rsync" },
  { tools: "gnu", program: "tar" },
  { tools: "busybox", program: "rsync" },
];

describe.runIf(isRoot).each(kinds)("a pod with the tools of $tools, by $program", (kind) => {
  const { tools, program } = kind;
  const path = pathWith(tools, program === "tar" ? ["rsync"] : []) ?? "";

  it.skipIf(path === "")("ends equal although its sessions are cut in the middle", async () => {
    const rig = await makeRig();
    fill(rig);
    const { to, cut } = byShell(rig, { path, program, cuts: 2 });
    const settings = { to, selection: ownedTree("jane"), verify: "full" as const };
    const { synced, verified } = await rig.migrate(settings);
    expect(cut).toHaveLength(2);
    expect(synced.verdicts).toMatchObject({ conflict: 0, rejected: 0, missing: 0 });
    expect(verified).toMatchObject({ changedSince: 0, hashed: 37 });
    expectEqual(rig);
    expect(readdirSync(rig.destination)).toEqual(["jane"]);
    expect(stillWorking(rig.destination)).toEqual([]);
  });
});

it.runIf(isRoot)("sends again only what changed, where there is no rsync", async () => {
  const rig = await makeRig();
  fill(rig);
  const { to } = byShell(rig, { path: pathWith("gnu", ["rsync"]) ?? "" });
  const settings = { to, selection: ownedTree("jane"), verify: "none" as const };
  await rig.migrate(settings);
  writeFileSync(join(rig.source, "jane/large1"), "shorter now");
  writeFileSync(join(rig.source, "jane/d1/new"), "new");
  const { synced } = await rig.migrate({ ...settings, run: "two" });
  expect(synced.filesSent).toBe(2);
  expectEqual(rig);
});

it.runIf(isRoot)(
  "carries every kind of name and file by tar, where there is no rsync",
  async () => {
    const rig = await makeRig();
    makeOddTree(rig.source);
    const { to } = byShell(rig, { path: pathWith("gnu", ["rsync"]) ?? "" });
    const { synced } = await rig.migrate({ to, verify: "none" });
    expect(synced.verdicts).toMatchObject({ conflict: 0, rejected: 0, missing: 0 });
    expectEqual(rig);
  },
);

it("ends what a broken session left working before its folder is used again", async () => {
  const rig = await makeRig();
  const path = pathWith("gnu") ?? "";
  const { exec, cut } = localExec({ path });
  const to = makeShellDestination({ exec, root: rig.destination, label: rig.destination });
  await to.makeTemporary(unfinished);
  const { signal } = new AbortController();
  const { ended } = await to.unpack(unfinished, { ownership: "inherit", signal });
  // One that does not notice that its input has ended, as a hanging volume makes it.
  const environment = workMark(rig.destination, unfinished);
  await exec(["env", environment, "sleep", "1000"], { stdin: false });
  cut();
  await expect(ended).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  const working = () =>
    execFileSync("sh", [
      "-c",
      `grep -ls -- "$1" /proc/[0-9]*/environ || :`,
      "sh",
      environment,
    ]).toString();
  expect(working()).not.toBe("");
  await to.makeTemporary(unfinished);
  expect(working()).toBe("");
});

it("believes no exit code without the last line of a command", async () => {
  const rig = await makeRig();
  const { exec } = localExec({ path: pathWith("gnu") });
  const silent = makeShellDestination({
    exec: (_, options) => exec(["true"], options),
    ...{ root: rig.destination, label: rig.destination },
  });
  await expect(silent.sync()).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  await expect(silent.look([Buffer.from("f")])).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  await expect(silent.hash(Buffer.from("f"))).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
});

it("names the tool that a pod lacks", async () => {
  const rig = await makeRig();
  const { exec } = localExec({ path: pathWith("gnu", ["stat", "xargs"]) });
  const to = makeShellDestination({ exec, root: rig.destination, label: rig.destination });
  await expect(to.check()).rejects.toMatchObject({
    ...{ code: "E_PROGRAM", message: expect.stringContaining("no stat, no xargs") },
  });
});
