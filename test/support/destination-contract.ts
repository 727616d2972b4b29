import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { FileDestination, Placement, Removal } from "../../src/files/destination.ts";
import { powersOf, readPowers } from "../../src/files/ownership.ts";
import { runRsync, syncRootAttributes } from "../../src/files/rsync.ts";
import { rsyncFeatures } from "../../src/files/rsync-features.ts";
import { copyByTar } from "../../src/files/tar.ts";
import { tempDir } from "./temp-dir.ts";

/** A destination for the running test, and its root as a path on this machine. */
interface OpenedDestination {
  destination: FileDestination;
  root: string;
}

const { signal } = new AbortController();
const bytes = (text: string) => Buffer.from(text);

/**
 * What every destination of files must do, wherever it is. `open` gives an open destination over
 * the folder `root`, and closes it when the running test ends.
 */
export function describeDestination(
  name: string,
  open: (root: string) => Promise<FileDestination>,
): void {
  async function make(): Promise<OpenedDestination> {
    const root = join(tempDir(), "desti:nation 'x' $y");
    mkdirSync(root);
    return { root, destination: await open(root) };
  }

  describe(`${name}: looking`, () => {
    it("tells what is there, absent and blocked, in the order of the paths", async () => {
      const { root, destination } = await make();
      mkdirSync(join(root, "a"));
      writeFileSync(join(root, "a/f"), "content");
      symlinkSync("a", join(root, "link"));
      const odd = Buffer.from([0x61, 0x2f, 0xff, 0x0a, 0x22]);
      writeFileSync(Buffer.concat([bytes(`${root}/`), odd]), "odd");
      const paths = [bytes("a/f"), bytes("gone"), bytes("link/f"), odd, bytes("link"), bytes(".")];
      const looks = await destination.look(paths);
      expect(looks.map(({ state }) => state)).toEqual([
        ...["here", "absent", "blocked", "here", "here", "here"],
      ]);
      const stat = lstatSync(join(root, "a/f"), { bigint: true });
      expect(looks[0]).toMatchObject({
        entry: {
          ...{ path: bytes("a/f"), type: "f", size: 7, nlink: 1 },
          ...{ mtimeNs: stat.mtimeNs, ctimeNs: stat.ctimeNs, ino: stat.ino, dev: stat.dev },
        },
      });
      expect(looks[2]).toEqual({ state: "blocked", reason: '"link" above it is a symbolic link' });
      expect(looks[4]).toMatchObject({ entry: { type: "l", target: bytes("a") } });
    });

    it("answers many paths at once", async () => {
      const { root, destination } = await make();
      for (let at = 0; at < 100; at++) writeFileSync(join(root, `f${at}`), "");
      const looks = await destination.look(
        Array.from({ length: 3000 }, (_, at) => bytes(`f${at % 100}`)),
      );
      expect(looks).toHaveLength(3000);
      expect(looks.every(({ state }) => state === "here")).toBe(true);
      expect(await destination.look([])).toEqual([]);
    });

    it("hashes content, counts its bytes, and fails with the system's code", async () => {
      const { root, destination } = await make();
      writeFileSync(join(root, "large"), Buffer.alloc(3_000_001, "abc"));
      symlinkSync("large", join(root, "link"));
      const [expected] = execFileSync("sha256sum", ["--", join(root, "large")])
        .toString()
        .split(" ");
      let counted = 0;
      const onBytes = (count: number) => {
        counted += count;
      };
      const hash = await destination.hash(bytes("large"), { signal, onBytes });
      expect(hash.toString("hex")).toBe(expected);
      expect(counted).toBe(3_000_001);
      await expect(destination.hash(bytes("gone"))).rejects.toMatchObject({ code: "ENOENT" });
      await expect(destination.hash(bytes("link"))).rejects.toMatchObject({ code: "ELOOP" });
      await expect(destination.hash(bytes("."))).rejects.toMatchObject({ code: "E_REFUSED" });
    });

    it("stops hashing when it is told to", async () => {
      const { root, destination } = await make();
      writeFileSync(join(root, "large"), Buffer.alloc(50_000_000));
      const stop = new AbortController();
      const onBytes = () => stop.abort();
      const hashing = destination.hash(bytes("large"), { signal: stop.signal, onBytes });
      await expect(hashing).rejects.toThrow();
    });

    it("tells its folder, space, names and powers", async () => {
      const { root, destination } = await make();
      writeFileSync(join(root, "f"), "");
      mkdirSync(join(root, "d"));
      expect(await destination.check()).toEqual({ dir: root });
      expect((await destination.names()).toSorted()).toEqual(["d", "f"]);
      const space = await destination.space();
      expect(space.freeBytes).toBeGreaterThan(0);
      expect(await destination.powers()).toEqual(readPowers());
      expect(await destination.rsyncFeatures(signal)).toEqual(await rsyncFeatures(signal));
      expect(destination.label).not.toBe("");
      await destination.sync();
    });

    it("says that its folder is gone", async () => {
      const { root, destination } = await make();
      rmSync(root, { recursive: true });
      await expect(destination.check()).rejects.toMatchObject({ code: "E_FOLDER" });
    });
  });

  describe(`${name}: locks`, () => {
    const [one, other] = [randomUUID(), randomUUID()];

    it("keeps them in one folder, which goes with the last of them", async () => {
      const { root, destination } = await make();
      const { locks } = destination;
      utimesSync(root, 1_000_000, 1_000_000);
      const before = lstatSync(root, { bigint: true }).mtimeNs;
      expect(await locks.names()).toEqual([]);
      await locks.create(one, "first");
      await locks.create(other, "'second' $(x)");
      await locks.create(one, "again");
      expect((await locks.names()).toSorted()).toEqual([one, other].toSorted());
      expect(await locks.read(one)).toBe("again");
      expect(await locks.read(other)).toBe("'second' $(x)");
      await locks.remove(one);
      expect(await locks.names()).toEqual([other]);
      expect(await locks.read(one)).toBeUndefined();
      await locks.remove(other);
      await locks.remove(other);
      expect(readdirSync(root)).toEqual([]);
      expect(lstatSync(root, { bigint: true }).mtimeNs).toBe(before);
    });

    it("replaces a text as long as it is there, and never makes it again", async () => {
      const { root, destination } = await make();
      const { locks } = destination;
      expect(await locks.write(one, "nobody's")).toBe(false);
      await locks.create(one, "beat 1");
      expect(await locks.write(one, "beat 2")).toBe(true);
      expect(await locks.read(one)).toBe("beat 2");
      await locks.remove(one);
      expect(await locks.write(one, "beat 3")).toBe(false);
      expect(await locks.read(one)).toBeUndefined();
      expect(readdirSync(root)).toEqual([]);
    });

    it("finds one whose maker died over it, and what was left of a removal goes", async () => {
      const { root, destination } = await make();
      const { locks } = destination;
      mkdirSync(join(root, ".migctl-lock", one), { recursive: true });
      mkdirSync(join(root, ".migctl-lock", `${other}.gone`));
      expect(await locks.names()).toEqual([one]);
      expect(await locks.read(one)).toBeUndefined();
      await locks.remove(one);
      expect(readdirSync(root)).toEqual([]);
    });

    it("refuses a folder that leads elsewhere, and names that are not of locks", async () => {
      const { root, destination } = await make();
      const elsewhere = tempDir();
      symlinkSync(elsewhere, join(root, ".migctl-lock"));
      await expect(destination.locks.create(one, "x")).rejects.toMatchObject({ code: "E_FOLDER" });
      await expect(destination.locks.create("../x", "x")).rejects.toMatchObject({
        code: "E_REFUSED",
      });
      expect(readdirSync(elsewhere)).toEqual([]);
    });
  });

  describe(`${name}: unfinished things`, () => {
    it("makes their folder, empties it for the next run but for partial files, removes it", async () => {
      const { root, destination } = await make();
      await destination.makeTemporary(".t");
      expect(statSync(join(root, ".t/staging")).mode & 0o777).toBe(0o700);
      for (const part of ["unfinished", "staging", "partial"]) {
        writeFileSync(join(root, ".t", part, "left"), "");
      }
      await destination.makeTemporary(".t");
      const left = ["unfinished", "staging", "partial"].map((part) =>
        existsSync(join(root, ".t", part, "left")),
      );
      expect(left).toEqual([false, false, true]);
      await destination.removeTemporary(".t");
      await destination.removeTemporary(".t");
      expect(readdirSync(root)).toEqual([]);
    });

    it("refuses a folder that leads elsewhere", async () => {
      const { root, destination } = await make();
      const elsewhere = tempDir();
      mkdirSync(join(elsewhere, "staging"));
      symlinkSync(elsewhere, join(root, ".t"));
      await expect(destination.makeTemporary(".t")).rejects.toMatchObject({ code: "E_FOLDER" });
      for (const wrong of ["..", "a/b", "", "/etc"]) {
        const refused = expect.objectContaining({ code: "E_REFUSED" });
        await expect(destination.makeTemporary(wrong)).rejects.toEqual(refused);
        await expect(destination.removeTemporary(wrong)).rejects.toEqual(refused);
      }
      expect(readdirSync(elsewhere)).toEqual(["staging"]);
    });

    it("clears a path below the root, never by way of a link", async () => {
      const { root, destination } = await make();
      const elsewhere = tempDir();
      mkdirSync(join(root, "a/b"), { recursive: true });
      writeFileSync(join(root, "a/b/f"), "");
      writeFileSync(join(elsewhere, "f"), "");
      symlinkSync(elsewhere, join(root, "link"));
      expect(await destination.clear("a/b")).toBe(true);
      expect(await destination.clear("a/b")).toBe(false);
      expect(await destination.clear("link/f")).toBe(false);
      expect(await destination.clear("link")).toBe(true);
      for (const wrong of [".", "..", "a/../..", "/etc"]) {
        await expect(destination.clear(wrong)).rejects.toMatchObject({ code: "E_REFUSED" });
      }
      expect(readdirSync(root)).toEqual(["a"]);
      expect(readdirSync(elsewhere)).toEqual(["f"]);
    });
  });

  describe(`${name}: removing`, () => {
    async function stateOf(destination: FileDestination, path: string): Promise<Removal> {
      const [look] = await destination.look([bytes(path)]);
      if (look?.state !== "here") throw new Error(`"${path}" is not there`);
      const { type, size, mtimeNs, ctimeNs } = look.entry;
      return { path: bytes(path), type, size, mtimeNs, ctimeNs };
    }

    it("removes what still is as it was looked at, and folders that are empty", async () => {
      const { root, destination } = await make();
      mkdirSync(join(root, "a/b"), { recursive: true });
      const names = ["a/b/-o'dd\n", "a/b/f", "a/link", "a/b", "a"];
      for (const file of names.slice(0, 2)) writeFileSync(join(root, file), "content");
      symlinkSync("b", join(root, "a/link"));
      writeFileSync(join(root, "kept"), "");
      const removals = await Promise.all(names.map((path) => stateOf(destination, path)));
      expect(await destination.remove(removals)).toEqual(names.map(() => undefined));
      expect(readdirSync(root)).toEqual(["kept"]);
      // As after an answer that was lost.
      expect(await destination.remove(removals)).toEqual(names.map(() => undefined));
      expect(await destination.remove([])).toEqual([]);
    });

    it("keeps what changed, is not empty, or lies behind a link, and says why", async () => {
      const { root, destination } = await make();
      const elsewhere = tempDir();
      writeFileSync(join(elsewhere, "f"), "");
      for (const folder of ["full", "way"]) mkdirSync(join(root, folder));
      for (const file of ["changed", "full/f", "other", "way/f"])
        writeFileSync(join(root, file), "");
      const names = ["changed", "full", "other", "way/f"];
      const removals = await Promise.all(names.map((path) => stateOf(destination, path)));
      writeFileSync(join(root, "changed"), "now");
      rmSync(join(root, "other"));
      mkdirSync(join(root, "other"));
      rmSync(join(root, "way"), { recursive: true });
      symlinkSync(elsewhere, join(root, "way"));
      expect(await destination.remove(removals)).toEqual([
        "it was changed",
        "it is not empty",
        "another type is there now (d)",
        '"way" above it is a symbolic link',
      ]);
      expect(readdirSync(elsewhere)).toEqual(["f"]);
      expect(readdirSync(root).toSorted()).toEqual(["changed", "full", "other", "way"]);
    });
  });

  describe(`${name}: receiving`, () => {
    it("receives by rsync exactly what is listed, odd names and all", async () => {
      const { root, destination } = await make();
      const source = tempDir();
      const names = [
        "plain",
        "-dash",
        "sp ace",
        "quo'te\"",
        "new\nline",
        "$HOME",
        "*",
        "#x",
        "d/f",
      ];
      mkdirSync(join(source, "d"));
      for (const name of names) writeFileSync(join(source, name), name.repeat(5000));
      writeFileSync(join(source, "unlisted"), "");
      linkSync(join(source, "plain"), join(source, "linked"));
      utimesSync(join(source, "d"), 1000, 1000);
      const list = join(tempDir(), "list");
      writeFileSync(list, [...names, "linked", "d"].map((name) => `./${name}\0`).join(""));
      await destination.makeTemporary(".t");
      const run = await rsyncRun(destination, source);
      expect(await runRsync({ ...run, list })).toEqual([]);
      await destination.removeTemporary(".t");
      rmSync(join(source, "unlisted"));
      const route = await destination.rsync(".t");
      expect(await syncRootAttributes({ ...run, route, list: "" })).toEqual([]);
      expect(differences(source, root)).toBe("");
      expect(statSync(join(root, "linked")).ino).toBe(statSync(join(root, "plain")).ino);
    });

    it("receives by tar and places each file", async () => {
      const { root, destination } = await make();
      const source = tempDir();
      mkdirSync(join(source, "d"));
      mkdirSync(join(root, "d"));
      writeFileSync(join(source, "d/large"), Buffer.alloc(5_000_000, 7));
      writeFileSync(join(source, "d/-o'dd\n"), "odd");
      symlinkSync("large", join(source, "d/link"));
      const names = ["d/large", "d/-o'dd\n", "d/link"];
      const { result, files } = await tarOver(destination, source, names);
      expect(result).toMatchObject({ create: 0, extract: 0 });
      expect(readdirSync(join(root, "d"))).toEqual([]);
      const how = { ownership: "preserve" as const, isWhole: true };
      expect(await destination.place(".t", files, how)).toEqual([undefined, undefined, undefined]);
      // As after an answer that was lost.
      expect(await destination.place(".t", files, how)).toEqual([undefined, undefined, undefined]);
      await destination.removeTemporary(".t");
      for (const side of [source, root]) utimesSync(join(side, "d"), 1000, 1000);
      expect(differences(join(source, "d"), join(root, "d"))).toBe("");
    });

    it("tells for each file why it was not placed", async () => {
      const { root, destination } = await make();
      const source = tempDir();
      const elsewhere = tempDir();
      for (const folder of ["here", "nofolder", "link", "full"]) {
        mkdirSync(join(source, folder));
        writeFileSync(join(source, folder, "f"), folder);
      }
      mkdirSync(join(root, "here"));
      mkdirSync(join(root, "full/f/g"), { recursive: true });
      symlinkSync(elsewhere, join(root, "link"));
      const names = ["here/f", "nofolder/f", "link/f", "full/f"];
      const { files } = await tarOver(destination, source, names);
      const [first, ...rest] = files;
      const short = { ...first!, size: 1 };
      const gone: Placement = { ...first!, path: bytes("here/gone") };
      const how = { ownership: "inherit" as const, isWhole: false };
      expect(await destination.place(".t", [short, gone, ...rest], how)).toEqual([
        "tar could not copy it whole",
        "tar could not read it",
        "the folder for it is not there",
        '"link" above it is a symbolic link',
        "it cannot be put in place (EISDIR)",
      ]);
      expect(await destination.place(".t", [first!], how)).toEqual([undefined]);
      expect(statSync(join(root, "here/f")).mode & 0o777).toBe(0o664);
      expect(readdirSync(elsewhere)).toEqual([]);
    });

    it("ends tar when it is told to", async () => {
      const { destination } = await make();
      await destination.makeTemporary(".t");
      const stop = new AbortController();
      const options = { ownership: "inherit" as const, signal: stop.signal };
      const { stream, ended } = await destination.unpack(".t", options);
      stream.on("error", () => undefined);
      stream.resume();
      stop.abort();
      const end = await ended.catch((error: unknown) => error);
      expect(end).not.toMatchObject({ exitCode: 0 });
    });

    it("tells how tar ended that was sent nonsense", async () => {
      const { destination } = await make();
      await destination.makeTemporary(".t");
      const { stream, ended } = await destination.unpack(".t", { ownership: "inherit", signal });
      stream.on("error", () => undefined);
      stream.resume();
      stream.end(Buffer.alloc(4096, "x"));
      expect(await ended).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("tar") });
    });
  });
}

async function rsyncRun(destination: FileDestination, sourceDir: string) {
  return {
    ...{ sourceDir, signal, ownership: "preserve" as const },
    powers: powersOf(false, 0n),
    features: await destination.rsyncFeatures(signal),
    route: await destination.rsync(".t"),
  };
}

async function tarOver(destination: FileDestination, sourceDir: string, names: string[]) {
  const list = join(tempDir(), "list");
  writeFileSync(list, names.map((name) => `./${name}\0`).join(""));
  await destination.makeTemporary(".t");
  const ownership = "preserve" as const;
  const unpack = (stop: AbortSignal) => destination.unpack(".t", { ownership, signal: stop });
  const result = await copyByTar({ sourceDir, list, ownership, unpack, signal });
  const files = names.map((name): Placement => {
    const stat = lstatSync(join(sourceDir, name), { bigint: true });
    return {
      path: bytes(name),
      type: stat.isSymbolicLink() ? "l" : "f",
      size: Number(stat.size),
      mtimeNs: stat.mtimeNs,
      mode: Number(stat.mode) & 0o7777,
    };
  });
  return { result, files };
}

/** What rsync itself would still change. */
function differences(source: string, destination: string): string {
  const compare = ["-naicHAXS", "--numeric-ids", "--modify-window=-1", "--delete"];
  return execFileSync("rsync", [...compare, "--", `${source}/`, `${destination}/`]).toString();
}
