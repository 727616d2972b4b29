import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import type { RawBatch } from "../../../src/mongo/bson-walk.ts";
import { openScan, scanBeside } from "../../../src/mongo/scan.ts";
import { itHolds } from "../../support/fuzz.ts";
import { doc, el, i32, str } from "../../support/raw-bson.ts";

/** A document by its number, of a content that is another for each version. */
function version(id: number, content = 0): Buffer {
  return doc(el(0x10, "_id", i32(id)), el(0x02, "text", str(`${"x".repeat(id % 7)}${content}`)));
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

function batchOf(documents: readonly Buffer[]): RawBatch {
  return { data: Buffer.concat(documents), count: documents.length };
}

function inBatches(documents: readonly Buffer[], size: number): RawBatch[] {
  const count = Math.ceil(documents.length / size);
  return numbers(0, count).map((at) => batchOf(documents.slice(at * size, (at + 1) * size)));
}

async function* replies(batches: readonly RawBatch[]) {
  yield* batches;
}

/** For each document of the archive whether it was found to be equal. */
async function scanned(archive: readonly RawBatch[], there: readonly RawBatch[]) {
  const scan = openScan(replies(there));
  const found: boolean[] = [];
  for (const batch of archive) found.push(...Array.from(await scan.equalIn(batch), Boolean));
  await scan.close();
  return found;
}

describe("a scan of the destination beside an archive", () => {
  const documents = numbers(0, 300).map((id) => version(id));

  it("finds all that lies there in the same order, however the replies are cut", async () => {
    expect(await scanned(inBatches(documents, 20), inBatches(documents, 33))).not.toContain(false);
  });

  it("finds batches that came in another order than they were sent", async () => {
    const batches = inBatches(documents, 20);
    const there = [...batches.slice(3), ...batches.slice(0, 3)];
    expect(await scanned(batches, there)).not.toContain(false);
  });

  it("says nothing of what is missing or differs, and finds what is around it", async () => {
    const there = documents
      .map((document, id) => (id % 50 === 7 ? version(id, 1) : document))
      .filter((_, id) => id % 10 !== 3);
    const found = await scanned(inBatches(documents, 20), inBatches(there, 33));
    const expected = documents.map((_, id) => id % 10 !== 3 && id % 50 !== 7);
    expect(found).toEqual(expected);
  });

  it("passes over what only the destination holds", async () => {
    const there = documents.flatMap((document, id) => [document, version(1000 + id)]);
    expect(await scanned(inBatches(documents, 20), inBatches(there, 33))).not.toContain(false);
  });

  it("ends where the server cannot be read: each document is looked up then", async () => {
    async function* broken() {
      yield batchOf(documents.slice(0, 20));
      throw new MigrationError("E_UNAVAILABLE", "The server is away");
    }
    const scan = openScan(broken());
    const [first, second] = inBatches(documents, 20) as [RawBatch, RawBatch];
    expect([...(await scan.equalIn(first))]).not.toContain(0);
    expect([...(await scan.equalIn(second))]).not.toContain(1);
  });

  it("stops reading where less than half of what comes is found", async () => {
    let read = 0;
    let closed = false;
    async function* others() {
      try {
        for (;;) {
          const from = 1_000_000 + 1000 * read++;
          yield batchOf(numbers(from, from + 1000).map((id) => version(id)));
        }
      } finally {
        closed = true;
      }
    }
    const scan = openScan(others());
    const archive = inBatches(
      numbers(0, 30_000).map((id) => version(id)),
      2000,
    );
    for (const batch of archive) expect([...(await scan.equalIn(batch))]).not.toContain(1);
    expect(closed).toBe(true);
    expect(read).toBeLessThan(60);
  });

  it("is made only of collections that hold no more than about what the archive has", async () => {
    const made: number[] = [];
    const spec = { name: "c", type: "collection" as const, options: {} };
    const archived = { spec, indexes: [], documents: 100, bytes: 100 };
    for (const count of [0, 100, 200, 201]) {
      const destination = {
        size: async () => ({ documents: count, bytes: count }),
        read: () => replies([]),
      };
      const { signal } = new AbortController();
      const options = { destination, clock: systemClock, signal };
      if ((await scanBeside(archived, [], options)) !== undefined) made.push(count);
    }
    expect(made).toEqual([100, 200]);
  });
});

const versions = fc.array(fc.tuple(fc.nat(12), fc.nat(1)), { maxLength: 60 });
const sizes = fc.integer({ min: 1, max: 9 });

itHolds("never calls a document equal that the destination has not", 300, () =>
  fc.asyncProperty(versions, versions, fc.tuple(sizes, sizes), async (here, there, [a, b]) => {
    const archive = here.map(([id, content]) => version(id, content));
    const held = there.map(([id, content]) => version(id, content));
    const found = await scanned(inBatches(archive, a), inBatches(held, b));
    for (const [index, document] of archive.entries()) {
      if (found[index]) expect(held.some((one) => one.equals(document))).toBe(true);
    }
  }),
);
