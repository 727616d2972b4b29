import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sumOfVerdicts } from "../../src/core/verdict.ts";
import type { PathSpec } from "../../src/files/selected-entries.ts";
import { isRoot, makeRig, rsyncDifferences } from "./files-rig.ts";
import { addAttributes, makeOddTree, oddNames, under } from "./odd-tree.ts";

describe.runIf(isRoot)("every kind of name and file, as root", () => {
  it("arrives by rsync with nothing left to change, and the second run sends nothing", async () => {
    const rig = await makeRig();
    makeOddTree(rig.source);
    const skipped = addAttributes(join(rig.source, "attributes"));
    if (skipped !== undefined) process.stderr.write(`not compared: ${skipped}\n`);
    const first = await rig.migrate({ verify: "full" });
    const entries = Number(
      execFileSync("sh", ["-c", 'find "$1" -printf x | wc -c', "sh", rig.source]),
    );
    expect(rsyncDifferences(rig.source, rig.destination)).toBe("");
    expect(first.compared.verdicts).toMatchObject({ migrated: entries, conflict: 0, rejected: 0 });
    expect(first.tarred.verdicts).toEqual(first.compared.verdicts);
    expect(first.verified.changedSince).toBe(0);
    expect(statSync(join(rig.destination, "sizes/sparse")).blocks).toBeLessThan(1000);
    expect(rig.findings()).toEqual([]);

    const second = await rig.migrate({ run: "two" });
    expect(second.compared).toMatchObject({ filesToSend: 0, bytesToSend: 0 });
    expect(second.synced).toMatchObject({ filesSent: 0, bytesSent: 0 });
    expect(second.synced.verdicts).toMatchObject({ identical: entries, migrated: 0, updated: 0 });
    expect(rsyncDifferences(rig.source, rig.destination)).toBe("");
  });

  it("arrives by tar as it does by rsync", async () => {
    const rig = await makeRig();
    makeOddTree(rig.source);
    addAttributes(join(rig.source, "attributes"));
    const paths: PathSpec[] = readdirSync(rig.source).map((name) => ({
      directory: Buffer.from(name),
      owned: true,
      via: "tar",
    }));
    const selection = { kind: "paths" as const, paths };
    const first = await rig.migrate({ selection, verify: "full" });
    expect(rsyncDifferences(rig.source, rig.destination).split("\n")).toEqual([
      expect.stringMatching(/^\.d.*\.\/$/),
      "",
    ]);
    expect(first.tarred.filesSent).toBeGreaterThan(oddNames.length);
    expect(first.tarred.verdicts.rejected).toBe(0);
    const second = await rig.migrate({ selection, run: "two" });
    expect(second.tarred).toMatchObject({ filesSent: 0, bytesSent: 0 });
    expect(second.synced.filesSent).toBe(0);
  });

  it("lists a socket and what is too deep for rsync, and carries the rest", async () => {
    const rig = await makeRig();
    mkdirSync(join(rig.source, "a"));
    writeFileSync(join(rig.source, "a", "file"), "x");
    const server = createServer();
    await new Promise<void>((done) => server.listen(join(rig.source, "a", "socket"), done));
    const step = 'fs.mkdirSync("d".repeat(200)); process.chdir("d".repeat(200));';
    const deep = `for (let at = 0; at < 30; at++) { ${step} } fs.writeFileSync("f", "low");`;
    execFileSync(process.execPath, ["-e", deep], { cwd: rig.source });
    const { synced, verified } = await rig.migrate();
    server.close();
    const { verdicts: counts } = synced;
    expect(counts.rejected).toBe(1 + 30 - 19 + 1);
    expect(sumOfVerdicts(counts)).toBe(1 + 3 + 30 + 1);
    expect(verified.checked).toBe(counts.migrated);
    const reasons = rig.findings().map(({ reason }) => reason);
    expect(reasons).toContainEqual(expect.stringContaining("socket"));
    expect(reasons).toContainEqual(expect.stringMatching(/its path has \d+ bytes/));
  });
});

describe("the ownership mode inherit", () => {
  it("opens everything to the group and drops setuid, by rsync and by tar", async () => {
    for (const via of ["rsync", "tar"] as const) {
      const rig = await makeRig();
      mkdirSync(join(rig.source, "dir"), { mode: 0o755 });
      for (const [name, mode] of [
        ["plain", 0o644],
        ["setuid", 0o4755],
        ["closed", 0o600],
      ] as const) {
        writeFileSync(join(rig.source, "dir", name), name);
        execFileSync("chmod", [mode.toString(8), join(rig.source, "dir", name)]);
      }
      const paths: PathSpec[] = [{ directory: Buffer.from("dir"), owned: true, via }];
      await rig.migrate({ selection: { kind: "paths", paths }, ownership: "inherit" });
      const mode = (name: string) => lstatSync(join(rig.destination, name)).mode & 0o7777;
      expect(mode("dir")).toBe(0o2775);
      expect(mode("dir/plain")).toBe(0o664);
      expect(mode("dir/setuid")).toBe(0o775);
      expect(mode("dir/closed")).toBe(0o660);
      const again = await rig.migrate({
        selection: { kind: "paths", paths },
        ownership: "inherit",
        run: "two",
      });
      expect(again.compared.filesToSend).toBe(0);
    }
  });
});

describe("single files by prefix", () => {
  it("takes the model's files and not those of a model whose id begins alike", async () => {
    const rig = await makeRig();
    mkdirSync(join(rig.source, "jane/trained-models/thumbnails"), { recursive: true });
    const folder = join(rig.source, "jane/trained-models");
    for (const name of ["x", "x.zip", "x_ios.mlmodel", "xy.zip", "x-2.zip", "x1"]) {
      writeFileSync(join(folder, name), name);
    }
    writeFileSync(under(folder, Buffer.from("x\xe9\n", "latin1")), "odd");
    const selection = {
      kind: "paths" as const,
      paths: [
        { prefix: Buffer.from("jane/trained-models/x") },
        { prefix: Buffer.from("jane/trained-models/gone") },
        { file: Buffer.from("jane/nothing.zip") },
      ],
    };
    const { tarred } = await rig.migrate({ selection });
    const there = readdirSync(join(rig.destination, "jane/trained-models"), "latin1");
    expect(there.sort()).toEqual(["x", "x.zip", "x_ios.mlmodel", "x\xe9\n"]);
    expect(tarred.filesSent).toBe(4);
    expect(rig.findings()).toMatchObject([
      { path: "jane/nothing.zip", selected: true, verdict: "missing" },
      { path: "jane/trained-models/gone", selected: true, verdict: "missing" },
    ]);
  });
});
