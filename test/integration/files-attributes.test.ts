import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startReceiving } from "../../src/files/receiving.ts";
import { copyByTar, extractArguments } from "../../src/files/tar.ts";
import { tempDir } from "../support/temp-dir.ts";
import { readAcls } from "./acls.ts";
import { isRoot, makeRig } from "./files-rig.ts";
import type { Settings } from "./files-steps.ts";
import { addAttributes } from "./odd-tree.ts";

const ways = ["rsync", "tar"] as const;

function settingsFor(via: "rsync" | "tar"): Partial<Settings> {
  const paths = [{ directory: Buffer.from("a"), owned: true, via }];
  return via === "tar" ? { selection: { kind: "paths", paths } } : {};
}

/** Where the names of two of this machine's ids belong to others. */
function elsewhere(folder: string, program: string, args: readonly string[]): string[] {
  writeFileSync(join(folder, "passwd"), "root:x:0:0::/:/bin/sh\ndaemon:x:777:0::/:/bin/sh\n");
  writeFileSync(join(folder, "group"), "root:x:0:\nmail:x:778:\n");
  const mount = 'for name in passwd group; do mount --bind "$0/$name" "/etc/$name"; done';
  return ["--mount", "sh", "-ec", `${mount}; exec "$@"`, folder, program, ...args];
}

/** A file system that knows neither ACLs nor extended attributes. */
function mountPlain(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "ramfs", "plain", folder], { stdio: "pipe" });
  } catch (error) {
    process.stderr.write(`skipped: no ramfs can be mounted here: ${String(error)}\n`);
    return false;
  }
  onTestFinished(() => {
    execFileSync("umount", ["-l", folder]);
  });
  return true;
}

describe.runIf(isRoot)("ACLs and extended attributes", () => {
  it("keep their ids by tar where the other side gives their names to other ids", async () => {
    const [base, sourceDir, into] = [tempDir(), tempDir(), tempDir()];
    addAttributes(join(sourceDir, "a"));
    execFileSync("setfacl", ["-m", "u:1:rwx,g:8:rx", join(sourceDir, "a/attributes")]);
    const list = join(base, "list");
    writeFileSync(list, "./a/attributes\0");
    const args = extractArguments(into, "preserve");
    const { signal } = new AbortController();
    const result = await copyByTar({
      ...{ sourceDir, list, ownership: "preserve", signal },
      unpack: async (stop) => startReceiving("unshare", elsewhere(base, "tar", args), stop),
    });
    expect(result).toMatchObject({ create: 0, extract: 0 });
    const acls = readAcls(into)["./a/attributes"];
    expect(acls).toEqual(readAcls(sourceDir)["./a/attributes"]);
    expect(acls).toContain("user:1:rwx");
  });

  it.each(ways)("are listed where the destination cannot hold them, by %s", async (via) => {
    const rig = await makeRig();
    if (!mountPlain(rig.destination)) return;
    addAttributes(join(rig.source, "a"));
    writeFileSync(join(rig.source, "a/plain"), "plain");
    const { verified } = await rig.migrate({ ...settingsFor(via), verify: "full" });
    const told = rig.findings().map(({ path, reason }) => `${path}: ${reason}`);
    expect(told.sort()).toEqual([
      "a/attributes: it is there, but not with its ACL, extended attributes",
      "a/sub: it is there, but not with its ACL",
      "a: it is there, but not with its extended attributes",
    ]);
    expect(readFileSync(join(rig.destination, "a/attributes"), "utf8")).toBe("attributes");
    expect(verified.checked).toBeGreaterThan(0);
  });

  it.each(ways)("are verified as they were promised, by %s", async (via) => {
    const rig = await makeRig();
    addAttributes(join(rig.source, "a"));
    execFileSync("setfacl", ["-d", "-m", "u:1234:r", rig.source]);
    mkdirSync(join(rig.source, "a/x\ny"));
    const steps = rig.steps({ ...settingsFor(via), verify: "none" });
    await steps.inventory();
    await steps.compare();
    await steps.sync();
    await steps.tar();
    await steps.verify();
    const there = (path: string) => join(rig.destination, path);
    execFileSync("setfacl", ["-m", "u:1234:-", there("a/attributes")]);
    execFileSync("setfattr", ["-n", "user.more", "-v", "1", there("a/x\ny")]);
    const root = via === "tar" ? 0 : 1;
    if (root === 1) execFileSync("setfacl", ["-k", rig.destination]);
    await expect(steps.verify()).rejects.toMatchObject({
      code: "E_INTEGRITY",
      message: `${2 + root} differences were found, the first in the ACL of "a/attributes": expected what was promised, found something else`,
    });
    const list = readFileSync(join(rig.work, "files-mismatches.ndjson"), "utf8");
    expect(list).toContain('{"path":"a/x\\ny","what":"extended attributes"');
    if (root === 1) expect(list).toContain('{"path":".","what":"ACL"');
  });
});
