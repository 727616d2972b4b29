import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFolderChain } from "../../../src/files/folder-chain.ts";
import { makeHasher } from "../../../src/files/hash.ts";
import { createInventory, openInventory } from "../../../src/files/inventory.ts";
import { shortage } from "../../../src/files/space.ts";
import { takeInventory } from "../../../src/files/take-inventory.ts";
import { treeTop } from "../../../src/files/tree-top.ts";
import { walkTree } from "../../../src/files/walk.ts";
import { tempDir } from "../../support/temp-dir.ts";

function makeTree(paths: string[]): string {
  const root = tempDir();
  for (const path of paths) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), path);
  }
  return root;
}

const { signal } = new AbortController();

async function inventoryOf(
  root: string,
  selection: Parameters<typeof takeInventory>[0]["selection"],
) {
  const file = join(tempDir(), "files.sqlite");
  const taken = await takeInventory({ root, selection, file, signal, report: () => undefined });
  const inventory = openInventory(file);
  const entries = [...inventory.pages()].flat();
  inventory.close();
  return { taken, entries, paths: entries.map(({ path }) => path.toString()) };
}

describe("walkTree", () => {
  it("yields everything once, folders first, and leaves out what is excluded", () => {
    const root = makeTree(["a/b/c", "a/d", "logs/x", "e"]);
    symlinkSync("/etc", join(root, "outside"));
    const exclude = (path: Buffer) => path.toString() === "logs";
    const paths = [...walkTree(root, { exclude })].map(({ path }) => path.toString());
    expect(paths.toSorted()).toEqual([".", "a", "a/b", "a/b/c", "a/d", "e", "outside"]);
    expect(paths[0]).toBe(".");
    expect(paths.indexOf("a/b")).toBeLessThan(paths.indexOf("a/b/c"));
  });

  it("yields links with their target and goes nowhere through a linked start", () => {
    const root = makeTree(["a/b"]);
    symlinkSync("a", join(root, "link"));
    const [link] = walkTree(root, { from: Buffer.from("link") });
    expect(link).toMatchObject({ type: "l", target: Buffer.from("a") });
    expect([...walkTree(root, { from: Buffer.from("link/b") })]).toEqual([]);
  });
});

describe("openFolderChain", () => {
  it("tells what is there, absent and behind a link or a file", () => {
    const root = makeTree(["a/b/c", "file"]);
    symlinkSync("a", join(root, "link"));
    const chain = openFolderChain(root);
    const states = ["a/b/c", "a/x/y", "link/b", "file/x", "a/b/c", "."].map(
      (path) => chain.look(Buffer.from(path)).state,
    );
    chain.close();
    expect(states).toEqual(["here", "absent", "blocked", "blocked", "here", "here"]);
  });
});

describe("takeInventory", () => {
  it("counts overlapping selections once and adds the folders above them", async () => {
    const root = makeTree(["jane/datasets/1/f", "jane/datasets/2/f", "jane/models/m.zip"]);
    const paths = [
      { directory: Buffer.from("jane/datasets/1"), owned: true },
      { directory: Buffer.from("jane/datasets"), owned: false },
      { file: Buffer.from("jane/models/m.zip") },
      { directory: Buffer.from("jane/gone"), owned: true },
    ];
    const { taken, entries } = await inventoryOf(root, { kind: "paths", paths });
    const shown = entries.map(({ path, owned, parent, via }) => [String(path), owned, parent, via]);
    expect(shown).toEqual([
      [".", false, true, "rsync"],
      ["jane", false, true, "rsync"],
      ["jane/datasets", false, false, "rsync"],
      ["jane/datasets/1", true, false, "rsync"],
      ["jane/datasets/1/f", true, false, "rsync"],
      ["jane/datasets/2", false, false, "rsync"],
      ["jane/datasets/2/f", false, false, "rsync"],
      ["jane/models", false, true, "rsync"],
      ["jane/models/m.zip", true, false, "tar"],
    ]);
    expect(taken.missing).toEqual([
      { path: Buffer.from("jane/gone"), reason: "it does not exist" },
    ]);
    expect(taken.entries).toBe(9);
  });

  it("takes an owner's folders out of a folder that is excluded by name", async () => {
    const root = makeTree(["logs/product.log", "logs/datasets/1/f", "jane/datasets/2/f", "base"]);
    const owned = ["logs/datasets/1", "jane/datasets/2"].map((path) => ({
      directory: Buffer.from(path),
      owned: true,
    }));
    const { entries, paths } = await inventoryOf(root, { kind: "tree", exclude: ["logs"], owned });
    expect(paths).not.toContain("logs/product.log");
    const files = entries.filter(({ type }) => type === "f");
    expect(files.map(({ path, owned: is }) => [path.toString(), is])).toEqual([
      ["base", false],
      ["jane/datasets/2/f", true],
      ["logs/datasets/1/f", true],
    ]);
  });

  it("leaves the tool's own folders out of every selection", async () => {
    const root = makeTree(["logs/migrations/x/plan", "logs/a"]);
    const excludePaths = [Buffer.from("logs/migrations")];
    const paths = [{ directory: Buffer.from("logs"), owned: true }];
    const { paths: found } = await inventoryOf(root, { kind: "paths", paths, excludePaths });
    expect(found).toEqual([".", "logs", "logs/a"]);
  });

  it("is refused when it was not taken to its end", () => {
    const file = join(tempDir(), "files.sqlite");
    createInventory(file).close();
    expect(() => openInventory(file)).toThrow(expect.objectContaining({ code: "E_INTEGRITY" }));
    expect(() => openInventory(`${file}.no`)).toThrow(
      expect.objectContaining({ code: "E_INTEGRITY" }),
    );
  });
});

describe("makeHasher", () => {
  it("gives the SHA-256 of small and large files, one after the other", async () => {
    const root = tempDir();
    const hash = makeHasher();
    for (const size of [0, 1, 70_000, 3_000_001]) {
      const path = join(root, String(size));
      writeFileSync(path, Buffer.alloc(size, "abc"));
      const [expected] = execFileSync("sha256sum", [path]).toString().split(" ");
      expect((await hash(path)).toString("hex")).toBe(expected);
    }
  });

  it("neither follows a link nor waits for a fifo", async () => {
    const root = makeTree(["file"]);
    symlinkSync("file", join(root, "link"));
    execFileSync("mkfifo", [join(root, "fifo")]);
    const hash = makeHasher();
    await expect(hash(join(root, "link"))).rejects.toMatchObject({ code: "ELOOP" });
    await expect(hash(join(root, "fifo"))).rejects.toMatchObject({ code: "E_REFUSED" });
  });
});

it("shows the shape of a tree and none of its names", async () => {
  const root = makeTree([
    "secretjane/datasets/0a1b2c3d-1111/files/photo.JPG",
    "secretjane/datasets/0a1b2c3d-2222/files/photo.jpg",
    "secretbob/trained-models/model.secretending",
  ]);
  const knownNames = new Set(["datasets", "trained-models", "files"]);
  const shapes = await treeTop(root, { knownNames });
  expect(shapes).toContainEqual(
    expect.objectContaining({
      place: "<name>/datasets/<id>/files",
      folders: 2,
      files: 2,
      endings: [".jpg"],
    }),
  );
  expect(JSON.stringify(shapes)).not.toMatch(/secret|0a1b|photo|model\b/);
});

it("says what a volume is short of", () => {
  const space = { freeBytes: 10, freeFiles: 2 };
  expect(shortage(space, { bytes: 11, files: 1 })).toBe("bytes");
  expect(shortage(space, { bytes: 10, files: 3 })).toBe("files");
  expect(
    shortage({ freeBytes: 10, freeFiles: undefined }, { bytes: 10, files: 3 }),
  ).toBeUndefined();
});
