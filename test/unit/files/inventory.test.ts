import { join } from "node:path";
import { expect, it } from "vitest";
import { createInventory } from "../../../src/files/inventory.ts";
import type { Outcome } from "../../../src/files/inventory-entry.ts";
import { tempDir } from "../../support/temp-dir.ts";

const count = 450;
const paths = Array.from({ length: count }, (_, at) =>
  Buffer.from(`d/${String(at).padStart(3, "0")}`),
);

function madeInventory() {
  const inventory = createInventory(join(tempDir(), "files.sqlite"));
  inventory.add(
    paths.map((path, at) => ({
      ...{
        path,
        type: "f",
        size: at,
        allocated: 4096,
        mtimeNs: 2n ** 62n,
        ctimeNs: -1n,
        mode: 0o644,
      },
      ...{ uid: 4_294_967_294, gid: 7, dev: 1n, ino: BigInt(at), nlink: 1 },
      ...{ via: "tar", owned: at % 2 === 0, parent: at % 3 === 0 },
    })),
  );
  return inventory;
}

it("gives back what was written of many entries at once, alike or not", () => {
  const inventory = madeInventory();
  const before = { type: "l", size: 9, mtimeNs: -5n, ctimeNs: 5n } as const;
  function outcomeOf(at: number): Partial<Outcome> {
    if (at === 0) return { verdict: "conflict", reason: "it differs", before };
    if (at % 10 === 0) return { verdict: "updated", send: "data", force: true, ours: true };
    return { verdict: "identical", ours: true, verified: true, attributesDiffer: at % 10 === 1 };
  }
  inventory.update(paths.map((path, at) => ({ path, outcome: outcomeOf(at) })));
  for (const [at, entry] of [...inventory.pages()].flat().entries()) {
    expect(entry).toMatchObject({
      path: paths[at],
      size: at,
      owned: at % 2 === 0,
      ...outcomeOf(at),
    });
    expect(entry).toMatchObject({ mtimeNs: 2n ** 62n, ctimeNs: -1n, uid: 4_294_967_294 });
    expect(inventory.get(entry.path)).toEqual(entry);
  }
  expect(inventory.verdicts().counts).toMatchObject({ conflict: 1, updated: 44, identical: 405 });
  inventory.close();
});

it("gives the paths of what is asked for alone", () => {
  const inventory = madeInventory();
  const some = paths.slice(100, 400);
  inventory.update(some.map((path) => ({ path, outcome: { verified: true } })));
  expect([...inventory.paths({ verified: true })].flat()).toEqual(some);
  expect([...inventory.paths({ verified: false })].flat()).toHaveLength(count - some.length);
  expect([...inventory.paths()].flat()).toEqual(paths);
  inventory.close();
});
