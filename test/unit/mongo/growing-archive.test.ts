import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFeed } from "../../../src/core/feed.ts";
import { createArchive } from "../../../src/mongo/archive/create.ts";
import { type ArchivePiece, openGrowingArchive } from "../../../src/mongo/archive/growing.ts";
import { documentsOf } from "../../../src/mongo/bson-walk.ts";
import { encodeExact } from "../../../src/mongo/metadata.ts";
import type { RestoreSource } from "../../../src/mongo/restore-source.ts";
import { doc, el, i32 } from "../../support/raw-bson.ts";
import { tempDir } from "../../support/temp-dir.ts";

const { signal } = new AbortController();
const documents = Array.from({ length: 5000 }, (_, number) => doc(el(0x10, "_id", i32(number))));

/** An archive of which collections can be written one after another. */
async function startArchive(compression: "deflate" | "store" = "deflate") {
  const path = join(tempDir(), "a.zip");
  const archive = await createArchive(path, compression);
  const feed = makeFeed<ArchivePiece>();
  const { temporary } = archive;
  feed.push({ what: "begun", path, temporary, database: "db" });
  const collections: Extract<ArchivePiece, { what: "collection" }>["collection"][] = [];
  async function add(name: string) {
    const entry = `db/${name}.bson`;
    const writer = archive.begin(entry);
    await writer.write(Buffer.concat(documents));
    const digest = await writer.end();
    archive.list(entry, digest);
    const collection = {
      ...{ name, type: "collection" as const, entry, options: encodeExact({}), indexes: [] },
      ...{ documents: documents.length, bytes: digest.bytes },
    };
    collections.push(collection);
    return { what: "collection" as const, collection, entry: archive.written(entry)! };
  }
  async function finish() {
    const { fingerprint } = await archive.finish({
      ...{ tool: { name: "migctl", version: "1" }, database: "db", server: { version: "6.0.0" } },
      ...{ startedAt: "2026-01-01T00:00:00Z", finishedAt: "2026-01-01T00:00:00Z", collections },
    });
    feed.push({ what: "sealed", fingerprint: fingerprint });
    feed.end();
    return fingerprint;
  }
  return { path, temporary, feed, add, finish };
}

async function readAll(source: RestoreSource) {
  const found: Record<string, Buffer[]> = {};
  for await (const collection of source.arriving?.() ?? []) {
    const read: Buffer[] = [];
    for await (const batch of source.read(collection)) read.push(...documentsOf(batch));
    found[collection.spec.name] = read.map((one) => Buffer.from(one));
  }
  return found;
}

it.each(["deflate", "store"] as const)(
  "gives out each collection while the next one is written (%s)",
  async (compression) => {
    const { feed, add, finish } = await startArchive(compression);
    const source = await openGrowingArchive(feed.values(signal));
    const before = source.fingerprint;
    const reading = readAll(source);
    feed.push(await add("first"));
    await expect.poll(() => source.collections.length).toBe(1);
    feed.push(await add("second"));
    const fingerprint = await finish();
    expect(await reading).toEqual({ first: documents, second: documents });
    expect(source.fingerprint).toBe(fingerprint);
    expect(before).not.toBe(fingerprint);
    await source.close();
  },
);

it("finds what was changed on the disk behind the writer's back before it gives any of it out", async () => {
  const { temporary, feed, add } = await startArchive("store");
  const piece = await add("first");
  const file = await open(temporary, "r+");
  await file.write(Buffer.of(0xff), 0, 1, piece.entry.record.offset + 1000);
  await file.close();
  feed.push(piece);
  const source = await openGrowingArchive(feed.values(signal));
  await expect(readAll(source)).rejects.toMatchObject({ code: "E_INTEGRITY" });
  expect(source.collections).toEqual([]);
  await source.close();
});

it("opens an archive that has its name by now", async () => {
  const { path, temporary, feed, add } = await startArchive();
  feed.push(await add("first"));
  await rename(temporary, path);
  feed.end();
  const source = await openGrowingArchive(feed.values(signal));
  expect(Object.keys(await readAll(source))).toEqual(["first"]);
  await source.close();
});

it("fails as the backup does", async () => {
  const { feed, add } = await startArchive();
  feed.push(await add("first"));
  feed.fail(new Error("the source is gone"));
  const source = await openGrowingArchive(feed.values(signal));
  await expect(readAll(source)).rejects.toThrow("the source is gone");
  await source.close();
});
