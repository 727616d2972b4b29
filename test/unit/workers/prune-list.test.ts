import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { keepList, openKept, readList } from "../../../src/workers/prune-list.ts";
import { tempDir } from "../../support/temp-dir.ts";

async function* entriesOf(paths: readonly string[]) {
  for (const path of paths) yield { path };
}

it("gives back each entry, whatever characters its name has", async () => {
  const list = join(tempDir(), "files.ndjson");
  const paths = ["a", "b\nb", "c\u2028c", "d\u2029d", "e\u0085e", "f\r\nf"];
  await keepList(list, "r1", entriesOf(paths));
  const found: string[] = [];
  for await (const some of readList(list, z.object({ path: z.string() }), 4)) {
    found.push(...some.map(({ path }) => path));
  }
  expect(found).toEqual(paths);
});

it("writes what is kept, and goes on with it where that is asked for", async () => {
  const file = join(tempDir(), "folder/kept.ndjson");
  for (const flags of ["w", "a"] as const) {
    const kept = await openKept(file, flags);
    kept.add({ one: 1 }, { two: flags });
    await kept.close();
  }
  expect(readFileSync(file, "utf8")).toBe('{"one":1}\n{"two":"w"}\n{"one":1}\n{"two":"a"}\n');
});

it("tells of a volume that is full at the next line, and in the end", async () => {
  const file = join(tempDir(), "kept.ndjson");
  symlinkSync("/dev/full", file);
  const kept = await openKept(file);
  const full = expect.objectContaining({
    code: "E_NO_SPACE",
    message: expect.stringContaining("No space left for kept.ndjson"),
  });
  kept.add({ one: 1 });
  await vi.waitFor(() => expect(() => kept.add({ two: 2 })).toThrow(full));
  await expect(kept.close()).rejects.toEqual(full);
});
