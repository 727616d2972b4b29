import { join } from "node:path";
import { expect, it } from "vitest";
import type { FileEntry } from "../../../src/files/entry.ts";
import { createInventory } from "../../../src/files/inventory.ts";
import { batchesOf } from "../../../src/workers/files-batches.ts";
import { tempDir } from "../../support/temp-dir.ts";

function entry(name: string, more: Partial<FileEntry>): FileEntry {
  return {
    ...{ path: Buffer.from(name), type: "f", size: 10, allocated: 10, mtimeNs: 1n, ctimeNs: 1n },
    ...{ mode: 0o644, uid: 0, gid: 0, dev: 1n, ino: 1n, nlink: 1 },
    ...more,
  };
}

/** The names in each batch of at most 3 names or 25 bytes; `x` is never chosen. */
function batchesFrom(entries: FileEntry[]): string[][] {
  const inventory = createInventory(join(tempDir(), "files.sqlite"));
  const selected = { via: "tar" as const, owned: true, parent: false };
  inventory.add(entries.map((one) => ({ ...one, ...selected })));
  const outcome = { send: "data" as const };
  inventory.update(entries.map(({ path }) => ({ path, outcome })));
  const batches = batchesOf(inventory, ({ path }) => `${path}` !== "x", { names: 3, bytes: 25 });
  const names = [...batches].map((batch) => batch.map(({ path }) => path.toString()));
  inventory.close();
  return names;
}

it("ends a batch with the entry that reaches a limit", () => {
  const all = ["a", "b", "c", "d", "e", "f", "g"];
  const small = all.map((name) => entry(name, { allocated: 1 }));
  expect(batchesFrom(small)).toEqual([["a", "b", "c"], ["d", "e", "f"], ["g"]]);
  const large = all.map((name) => entry(name, { allocated: name === "b" ? 100 : 9 }));
  expect(batchesFrom(large)).toEqual([
    ["a", "b"],
    ["c", "d", "e"],
    ["f", "g"],
  ]);
});

it("keeps the names of one file together, counts its bytes once, and leaves out what is not chosen", () => {
  const linked = { nlink: 4, ino: 7n, allocated: 20 };
  const entries = [
    ...["a", "c", "e", "x"].map((name) => entry(name, linked)),
    ...["b", "d"].map((name) => entry(name, { allocated: 1 })),
    entry("f", { type: "d", nlink: 5, allocated: 0 }),
  ];
  expect(batchesFrom(entries)).toEqual([
    ["b", "d", "f"],
    ["a", "c", "e"],
  ]);
  expect(batchesFrom([])).toEqual([]);
});
