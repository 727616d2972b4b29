import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { limited, makeRig, rsyncDifferences } from "./files-rig.ts";

const moving = ["appended", "rewritten", "truncated", "renamed"];

/** Changes each of them again and again, each in its own way, and tells when it has begun. */
const program = `
  const fs = require("node:fs");
  const bytes = (at) => Buffer.alloc(100_000 + (at % 7) * 10_000, at);
  for (let at = 0; ; at++) {
    fs.appendFileSync("appended", Buffer.alloc(50, at));
    const file = fs.openSync("rewritten", "r+");
    fs.writeSync(file, Buffer.alloc(1000, at), 0, 1000, (at % 90) * 1000);
    fs.closeSync(file);
    fs.writeFileSync("truncated", bytes(at));
    fs.writeFileSync("renamed.new", bytes(at));
    fs.renameSync("renamed.new", "renamed");
    if (at === 0) process.stdout.write("writes");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }`;

it.each(["rsync", "tar"] as const)(
  "verifies nothing that a program writes to all the time, names it, and brings it later, by %s",
  async (via) => {
    const rig = await makeRig();
    const folder = join(rig.source, "jane");
    mkdirSync(folder);
    for (const name of [...moving, "still", "quiet"]) {
      writeFileSync(join(folder, name), Buffer.alloc(100_000, name));
    }
    const paths = [...moving, "still", "quiet"].map((name) => ({
      ...{ file: Buffer.from(`jane/${name}`), owned: true },
    }));
    const tree = [{ directory: Buffer.from("jane"), owned: true }];
    const selection = { kind: "paths" as const, paths: via === "tar" ? paths : tree };
    const writer = spawn(process.execPath, ["-e", program], { cwd: folder });
    onTestFinished(() => void writer.kill("SIGKILL"));
    await once(writer.stdout, "data");
    const { verified } = await rig.migrate({ selection, bandwidth: limited(1000), verify: "full" });
    expect(writer.exitCode).toBe(null);
    writer.kill("SIGKILL");
    await once(writer, "close");
    const changed = linesOf(join(rig.work, "files-changed.ndjson"));
    const told = [...changed, ...rig.findings()].map(({ path }) => path);
    for (const name of moving) expect(told).toContain(`jane/${name}`);
    for (const name of ["still", "quiet"]) expect(told).not.toContain(`jane/${name}`);
    expect(verified.hashed).toBe(2);
    const second = await rig.migrate({ selection, run: "two", verify: "full" });
    expect(second.verified.changedSince).toBe(0);
    expect(second.compared.verdicts).toMatchObject({ conflict: 0, rejected: 0 });

    expect(rsyncDifferences(folder, join(rig.destination, "jane"), "--exclude=renamed.new")).toBe(
      "",
    );
  },
);

function linesOf(file: string): { path: string }[] {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}
