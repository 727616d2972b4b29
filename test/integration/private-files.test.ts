import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { programs } from "../support/migration.ts";
import { tempDir } from "../support/temp-dir.ts";

const group = 40_000;

/** A folder with some files, an empty one beside it, and the flags that move one to the other. */
function makeSides() {
  const folder = tempDir();
  chmodSync(folder, 0o755);
  const [source, destination] = [join(folder, "a"), join(folder, "d")];
  mkdirSync(join(source, "admin/datasets"), { recursive: true });
  mkdirSync(destination);
  for (const name of ["one", "two"]) writeFileSync(join(source, "admin/datasets", name), name);
  const sides = ["--source-dir", source, "--dest-dir", destination, "--migrationType", "files"];
  const flags = [...sides, "--ownership", "inherit", "--name", "one", "--verify", "full"];
  return { source, destination, flags };
}

interface Account {
  uid?: number;
  gid?: number;
}

async function start(flags: readonly string[], account: Account = {}) {
  const child = spawn(process.execPath, [programs.migctl, "start", ...flags], {
    ...{ ...account, stdio: ["ignore", "ignore", "pipe"] },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code, stderr };
}

/** The modes of all that is in a folder and of itself, as `find -printf %m`. */
function modesBelow(folder: string): Set<string> {
  const paths = readdirSync(folder, { recursive: true }) as string[];
  const all = [".", ...paths].map((name) => lstatSync(join(folder, name)).mode & 0o7777);
  return new Set(all.map((mode) => mode.toString(8)));
}

it("keeps what it writes of a migration to its user, and to nobody else", async () => {
  const { source, destination, flags } = makeSides();
  chmodSync(join(source, "admin/datasets/one"), 0o640);
  expect(await start(flags)).toMatchObject({ code: 0 });
  expect([...modesBelow(join(source, "logs/migrations"))].sort()).toEqual(["600", "700"]);
  // The application's own folder is made as it would make it.
  expect(lstatSync(join(source, "logs")).mode & 0o7777).toBe(0o755);
  expect(lstatSync(join(destination, "admin/datasets")).mode & 0o007).toBe(0o005);
});

it.runIf(process.getuid?.() === 0)(
  "lets another user of the group go on, where the volume is the group's",
  async () => {
    const { source, destination, flags } = makeSides();
    for (const folder of [source, destination]) {
      chownSync(folder, 0, group);
      chmodSync(folder, 0o2775);
    }
    expect(await start(flags, { uid: 40_001, gid: group })).toMatchObject({ code: 0 });
    writeFileSync(join(source, "admin/three"), "three");
    const again = await start([...flags, "--rerun"], { uid: 40_002, gid: group });
    expect(again).toMatchObject({ code: 0 });
    expect(readdirSync(join(destination, "admin"))).toContain("three");
    for (const mode of modesBelow(join(source, "logs/migrations"))) {
      expect(mode).toMatch(/^(660|2?770)$/);
    }
  },
);
