import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, open, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createArchive } from "../../../src/mongo/archive/create.ts";
import { frameDocuments, makeFrameWalk } from "../../../src/mongo/archive/frame.ts";
import { directory, type EntryRecord, localHeader } from "../../../src/mongo/archive/layout.ts";
import { parseManifest } from "../../../src/mongo/archive/manifest.ts";
import { type Archive, openArchive } from "../../../src/mongo/archive/open.ts";
import { openZip } from "../../../src/mongo/archive/zip-container.ts";
import { makeZipWriter } from "../../../src/mongo/archive/zip-writer.ts";
import { documentsOf } from "../../../src/mongo/bson-walk.ts";
import { encodeExact } from "../../../src/mongo/metadata.ts";
import { bin, doc, el, i32, oddDocuments, str } from "../../support/raw-bson.ts";
import { tempDir } from "../../support/temp-dir.ts";

describe("an archive", () => {
  it.each(["deflate", "store"] as const)(
    "gives back its documents byte for byte (%s)",
    async (compression) => {
      const documents = [...oddDocuments(), ...many(5000)];
      const archive = await openArchive(await makeArchive(documents, compression));
      await archive.check();
      expect(await documentsIn(archive, "db/c.bson")).toEqual(documents);
      expect(archive.collections()).toMatchObject([
        {
          name: "c",
          documents: documents.length,
          options: { capped: true },
          indexes: [{ name: "_id_" }],
        },
        { name: "v", type: "view", documents: 0 },
      ]);
      await archive.close();
    },
  );

  it("gives batches that a server takes, and a large document alone", async () => {
    const large = doc(el(0x05, "b", bin(0, Buffer.alloc(16_700_000, 1))));
    const documents = [...many(5000), large, ...many(10)];
    const archive = await openArchive(await makeArchive(documents));
    let found = 0;
    for await (const { data, count } of archive.read("db/c.bson")) {
      expect(count).toBeLessThanOrEqual(2000);
      expect(count === 1 || data.length <= 4_000_000).toBe(true);
      found += count;
    }
    expect(found).toBe(documents.length);
    await archive.close();
  });

  it("is understood by other programs", async () => {
    const path = await makeArchive(many(5000));
    const code = "import sys, zipfile; assert zipfile.ZipFile(sys.argv[1]).testzip() is None";
    await execa("python3", ["-c", code, path]);
    await execa("unzip", ["-t", path]).catch((error: { code?: string }) => {
      if (error.code !== "ENOENT") throw error;
    });
  });

  it("takes more entries than a zip of old could, each as fast as the first", async () => {
    const path = join(tempDir(), "a.zip");
    const file = await open(path, "w+");
    const zip = makeZipWriter(file, path);
    for (let number = 0; number < 66_000; number++) {
      const entry = zip.begin(`db/c${number}.bson`, "store");
      await entry.write(Buffer.from(String(number)));
      await entry.end();
    }
    expect(() => zip.begin("db/c7.bson", "store")).toThrow('has an entry "db/c7.bson" already');
    await zip.finish();
    await file.close();
    const code =
      "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(len(z.namelist()), z.read('db/c65999.bson'))";
    const { stdout } = await execa("python3", ["-c", code, path]);
    expect(stdout).toBe("66000 b'65999'");
  }, 30_000);

  // 4.3 GB to write and to read: with MIGCTL_TEST_LARGE alone.
  it.runIf(process.env["MIGCTL_TEST_LARGE"])(
    "takes an entry that is larger than a zip of old could hold, and one behind it",
    async () => {
      const path = join(tempDir(), "a.zip");
      const file = await open(path, "w+");
      const zip = makeZipWriter(file, path);
      const piece = Buffer.alloc(16 * 1024 * 1024);
      const [large, small] = [zip.begin("db/large.bson", "store"), "behind it"];
      for (let written = 0; written <= 2 ** 32; written += piece.length) await large.write(piece);
      const { bytes } = await large.end();
      const entry = zip.begin("db/small.bson", "store");
      await entry.write(Buffer.from(small));
      await entry.end();
      await zip.finish();
      await file.close();
      const found = await openZip(path);
      expect(found.entries.get("db/large.bson")?.size).toBe(bytes);
      expect(bytes).toBeGreaterThan(2 ** 32);
      const parts: Buffer[] = [];
      for await (const part of found.read("db/small.bson")) parts.push(part);
      expect(Buffer.concat(parts).toString()).toBe(small);
      await found.close();
      // It reads all of both, and compares their CRCs.
      await execa("python3", ["-m", "zipfile", "-t", path]);
    },
    300_000,
  );

  it("has its name only when it is whole", async () => {
    const folder = tempDir();
    const path = join(folder, "a.zip");
    const writer = await createArchive(path, "deflate");
    await writer.begin("db/c.bson").write(Buffer.concat(many(10)));
    expect(await readdir(folder)).toEqual(["a.zip.tmp"]);
    await writer.discard();
    expect(await readdir(folder)).toEqual([]);
  });

  it("forgets an entry that was taken back", async () => {
    const path = await makeArchive(many(100), "deflate", many(3000));
    const archive = await openArchive(path);
    await archive.check();
    expect(await documentsIn(archive, "db/c.bson")).toEqual(many(100));
    await archive.close();
  });

  it("ends reading with an error if the file changed after the check", async () => {
    const path = await makeArchive(many(5000), "store");
    const archive = await openArchive(path);
    await archive.check();
    flipBit(path, 1000);
    await expect(documentsIn(archive, "db/c.bson")).rejects.toMatchObject({ code: "E_INTEGRITY" });
    await archive.close();
  });

  it("without a manifest is refused", async () => {
    await expect(openArchive(craft([{ name: "db/c.bson" }]))).rejects.toMatchObject({
      code: "E_INTEGRITY",
      message: expect.stringContaining("no manifest"),
    });
  });

  it.each([
    [1, "an earlier version"],
    [3, "a later version"],
  ])("of format %i is refused as made by %s", (format, by) => {
    const parsing = () => parseManifest(JSON.stringify({ format }), "a.zip");
    expect(parsing).toThrow(expect.objectContaining({ code: "E_VERSION" }));
    expect(parsing).toThrow(`was made by ${by}`);
  });

  it("that is missing is named", async () => {
    await expect(openArchive(join(tempDir(), "no.zip"))).rejects.toMatchObject({
      code: "E_FOLDER",
    });
  });
});

describe("what is read back before an archive gets its name", () => {
  const changes: [string, (path: string) => void][] = [
    ["a changed bit of a document", (path) => flipBit(path, 500)],
    ["a changed bit of a header", (path) => flipBit(path, 20)],
    ["a missing end", (path) => writeFileSync(path, readFileSync(path).subarray(0, -3))],
  ];
  const cases = changes.flatMap(([what, change]) =>
    (["deflate", "store"] as const).map((compression) => ({ what, change, compression })),
  );

  it.each(cases)("refuses $what ($compression)", async ({ change, compression }) => {
    const path = join(tempDir(), "a.zip");
    const writer = await createArchive(path, compression);
    const entry = writer.begin("db/c.bson");
    await entry.write(Buffer.concat(many(5000)));
    writer.list("db/c.bson", await entry.end());
    change(writer.temporary);
    await expect(writer.finish(description)).rejects.toMatchObject({ code: "E_INTEGRITY" });
    await writer.discard();
    expect(await readdir(join(path, ".."))).not.toContain("a.zip");
    expect(await readdir(join(path, ".."))).not.toContain("a.zip.tmp");
  });
});

describe("damage is found before anything is restored", () => {
  it("when the file is cut off anywhere", async () => {
    const path = await makeArchive([...oddDocuments(), ...many(300)]);
    const whole = readFileSync(path);
    const step = Math.ceil(whole.length / 150);
    for (let length = 0; length < whole.length; length += step) {
      await expectDamage(damagedCopy(path, whole.subarray(0, length)));
    }
    await expectDamage(damagedCopy(path, whole.subarray(0, -1)));
    await expectDamage(damagedCopy(path, Buffer.concat([whole, Buffer.of(0)])));
  });

  it.each(["deflate", "store"] as const)(
    "when any one bit is flipped (%s)",
    async (compression) => {
      const path = await makeArchive(many(20), compression);
      const whole = readFileSync(path);
      const positions = fc.sample(fc.nat(whole.length * 8 - 1), 500);
      // Every byte of what lies behind the manifest's data, where readers are careless.
      for (let at = whole.length - 120; at < whole.length; at++) positions.push(at * 8);
      for (const bit of positions) {
        const changed = Buffer.from(whole);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await expectDamage(damagedCopy(path, changed));
      }
    },
    60_000,
  );

  it.each([
    ["a name twice", [{ name: "db/a.bson" }, { name: "db/a.bson" }]],
    ["a climbing name", [{ name: "../evil.bson" }]],
    ["a climbing name inside", [{ name: "db/../../evil.bson" }]],
    ["an absolute name", [{ name: "/etc/evil.bson" }]],
    ["a backslash name", [{ name: "db\\evil.bson" }]],
    ["a name with an empty part", [{ name: "db//evil.bson" }]],
    ["a symbolic link", [{ name: "db/a.bson", mode: 0o120777 }]],
    ["a size beyond what deflate can do", [{ name: "db/a.bson", size: 50_000_000 }]],
    ["overlapping entries", [{ name: "db/a.bson" }, { name: "db/b.bson", offset: 0 }]],
  ])("when there is %s", async (_, entries) => {
    const opening = openArchive(craft(entries), { allowForeign: true });
    await expect(opening).rejects.toMatchObject({ code: "E_INTEGRITY" });
  });

  it("when an entry is added, or one is missing", async () => {
    const path = await makeArchive(many(5));
    await execa("python3", [
      "-c",
      "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'a').writestr('db/x.bson', b'')",
      path,
    ]);
    await expectDamage(path);
  });
});

describe("a dump of mongodump", () => {
  it("is read as a folder, with counts after the check", async () => {
    const folder = await makeDump();
    const archive = await openArchive(folder, { allowForeign: true });
    await archive.check();
    expect(archive.database).toBe("db");
    expect(archive.collections()).toMatchObject([
      {
        name: "c",
        type: "collection",
        entry: "db/c.bson",
        documents: 5,
        options: { capped: true },
      },
      { name: "packed", entry: "db/packed.bson.gz", documents: 7 },
      { name: "series", type: "timeseries", entry: "db/system.buckets.series.bson", documents: 2 },
      { name: "view", type: "view", documents: 0 },
    ]);
    expect(await documentsIn(archive, "db/packed.bson.gz")).toEqual(many(7));
    await archive.close();
  });

  it("is read as a folder of one database", async () => {
    const archive = await openArchive(join(await makeDump(), "db"), { allowForeign: true });
    expect(archive.database).toBe("db");
    await archive.check();
    await archive.close();
  });

  it("is read as a zip file of that folder", async () => {
    const folder = await makeDump();
    const path = join(tempDir(), "dump.zip");
    await execa("python3", [
      "-c",
      "import shutil, sys; shutil.make_archive(*sys.argv[1:])",
      path.slice(0, -4),
      "zip",
      folder,
    ]);
    await expect(openArchive(path)).rejects.toMatchObject({ code: "E_INTEGRITY" });
    const archive = await openArchive(path, { allowForeign: true });
    await archive.check();
    expect(await documentsIn(archive, "db/c.bson")).toEqual(many(5));
    await archive.close();
  });

  it("is refused when it is cut off, or holds a link", async () => {
    const folder = await makeDump();
    writeFileSync(join(folder, "db/c.bson"), Buffer.concat(many(5)).subarray(0, -3));
    await expectDamage(folder);
    await symlink("/etc/passwd", join(folder, "db/link.bson"));
    await expectDamage(folder);
  });

  it("ends reading with an error if a file changed after the check", async () => {
    const folder = await makeDump();
    const archive = await openArchive(folder, { allowForeign: true });
    await archive.check();
    flipBit(join(folder, "db/c.bson"), 30);
    await expect(documentsIn(archive, "db/c.bson")).rejects.toMatchObject({ code: "E_INTEGRITY" });
    await archive.close();
  });

  it("of several databases needs one to be named", async () => {
    const folder = await makeDump();
    await mkdir(join(folder, "other"));
    writeFileSync(join(folder, "other/c.bson"), "");
    await expect(openArchive(folder, { allowForeign: true })).rejects.toMatchObject({
      code: "E_SCOPE",
      message: expect.stringContaining("db, other"),
    });
    const archive = await openArchive(folder, { allowForeign: true, database: "other" });
    expect(archive.collections()).toHaveLength(1);
    await archive.close();
  });
});

describe("framing", () => {
  it("is walked over alike, however the bytes arrive", () => {
    const documents = [...oddDocuments(), ...many(50)];
    const all = Buffer.concat(documents);
    for (const size of [1, 2, 3, 5, 7, 64, 1000, all.length]) {
      const walk = makeFrameWalk("e");
      for (let at = 0; at < all.length; at += size) walk.update(all.subarray(at, at + size));
      walk.finish();
      expect(walk.walked).toEqual({ documents: documents.length, bytes: all.length });
    }
  });

  it("does not depend on how the bytes arrive", async () => {
    const documents = [...oddDocuments(), ...many(2500)];
    const data = Buffer.concat(documents);
    for (const size of [1000, 4096, 65_536, 100_000_000]) {
      const found: Buffer[] = [];
      for await (const batch of frameDocuments(chunks(data, size), "e"))
        found.push(...documentsOf(batch));
      expect(found).toEqual(documents);
    }
  });

  it.each([
    ["a length that is too small", i32(4)],
    ["a length that is too large", i32(17_000_000)],
    ["a negative length", i32(-1)],
    ["a missing end", Buffer.concat([i32(6), Buffer.of(1, 1)])],
  ])("refuses %s with its place", async (_, bytes) => {
    const good = doc(el(0x02, "a", str("b")));
    const reading = (async () => {
      for await (const _batch of frameDocuments(chunks(Buffer.concat([good, bytes]), 7), "e"));
    })();
    const damage = { code: "E_INTEGRITY", fields: { entry: "e", offset: good.length } };
    await expect(reading).rejects.toMatchObject(damage);
    const walk = makeFrameWalk("e");
    expect(() => walk.update(Buffer.concat([good, bytes]))).toThrow(
      expect.objectContaining(damage),
    );
  });
});

function many(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) =>
    doc(el(0x10, "_id", i32(i)), el(0x02, "t", str(`document ${i} `.repeat(10)))),
  );
}

async function makeArchive(
  documents: Buffer[],
  compression: "deflate" | "store" = "deflate",
  takenBack?: Buffer[],
): Promise<string> {
  const path = join(tempDir(), "a.zip");
  const writer = await createArchive(path, compression);
  const entry = "db/c.bson";
  if (takenBack) {
    const first = writer.begin(entry);
    await first.write(Buffer.concat(takenBack));
    await first.abandon();
  }
  const current = writer.begin(entry);
  for (let at = 0; at < documents.length; at += 700) {
    await current.write(Buffer.concat(documents.slice(at, at + 700)));
  }
  const digest = await current.end();
  writer.list(entry, digest);
  await writer.add("db/c.metadata.json", Buffer.from("{}"));
  const common = {
    type: "collection" as const,
    options: encodeExact({ capped: true }),
    indexes: [encodeExact({ name: "_id_" })],
  };
  await writer.finish({
    ...description,
    collections: [
      { name: "c", entry, documents: documents.length, bytes: digest.bytes, ...common },
      { name: "v", documents: 0, bytes: 0, ...common, type: "view" },
    ],
  });
  return path;
}

const description = {
  tool: { name: "t", version: "1" },
  database: "db",
  server: { version: "6.0.0" },
  startedAt: "2026-01-01T00:00:00Z",
  finishedAt: "2026-01-01T00:00:01Z",
  collections: [],
};

async function makeDump(): Promise<string> {
  const folder = tempDir();
  await mkdir(join(folder, "db"));
  const put = (name: string, data: string | Buffer) =>
    writeFileSync(join(folder, "db", name), data);
  const metadata = (name: string, more: object) =>
    JSON.stringify({ indexes: [], uuid: "00", collectionName: name, ...more });
  put("c.bson", Buffer.concat(many(5)));
  put("c.metadata.json", metadata("c", { options: { capped: true }, type: "collection" }));
  put("packed.bson.gz", gzipSync(Buffer.concat(many(7))));
  put("packed.metadata.json.gz", gzipSync(metadata("packed", { type: "collection" })));
  put("system.buckets.series.bson", Buffer.concat(many(2)));
  put("series.metadata.json", metadata("series", { type: "timeseries" }));
  put("view.metadata.json", metadata("view", { options: { viewOn: "c" }, type: "view" }));
  writeFileSync(join(folder, "prelude.json"), "{}");
  return folder;
}

async function documentsIn(archive: Archive, entry: string): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for await (const batch of archive.read(entry)) found.push(...documentsOf(batch));
  return found;
}

/** Opening or checking must end with E_INTEGRITY; a flipped version number may be E_VERSION. */
async function expectDamage(path: string) {
  const checking = (async () => {
    const archive = await openArchive(path, { allowForeign: !path.endsWith(".zip") });
    await archive.check().finally(() => archive.close());
  })();
  await expect(checking).rejects.toMatchObject({ code: "E_INTEGRITY" });
}

function damagedCopy(path: string, content: Buffer): string {
  const copy = `${path}.damaged.zip`;
  writeFileSync(copy, content);
  return copy;
}

function flipBit(path: string, at: number) {
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  const content = readFileSync(copy);
  content[at] = (content[at] ?? 0) ^ 1;
  writeFileSync(path, content);
}

interface Crafted {
  name: string;
  offset?: number;
  size?: number;
  mode?: number;
}

/** A zip file with whatever directory is wanted; the data of each entry is one empty document. */
function craft(entries: Crafted[]): string {
  const path = join(tempDir(), "crafted.zip");
  const parts: Buffer[] = [];
  const records: EntryRecord[] = [];
  let position = 0;
  for (const { name, offset, size } of entries) {
    const data = doc();
    const at = offset ?? position;
    const method = size === undefined ? 0 : 8;
    const record = {
      name,
      offset: at,
      method,
      size: size ?? 5,
      compressedSize: 5,
      crc32: 0,
    } as const;
    parts.push(localHeader(record), data);
    position += localHeader(record).length + data.length;
    records.push(record);
  }
  const tail = directory(records, position);
  const mode = entries[0]?.mode;
  if (mode !== undefined) tail.writeUInt32LE(mode * 65_536, 38);
  writeFileSync(path, Buffer.concat([...parts, tail]));
  return path;
}

async function* chunks(data: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}
