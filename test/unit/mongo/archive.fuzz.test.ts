import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { createArchive } from "../../../src/mongo/archive/create.ts";
import { directory, type EntryRecord, localHeader } from "../../../src/mongo/archive/layout.ts";
import { openArchive } from "../../../src/mongo/archive/open.ts";
import { documentsOf } from "../../../src/mongo/bson-walk.ts";
import { encodeExact } from "../../../src/mongo/metadata.ts";
import { itHolds, readVectors, resultOrError } from "../../support/fuzz.ts";
import { oddDocuments } from "../../support/raw-bson.ts";
import { tempDir } from "../../support/temp-dir.ts";

const damage = ["E_INTEGRITY", "E_VERSION"];
const entry = "db/c.bson";
const documents = oddDocuments();

async function makeArchive(path: string): Promise<Buffer> {
  const writer = await createArchive(path, "store");
  const current = writer.begin(entry);
  await current.write(Buffer.concat(documents));
  const digest = await current.end();
  writer.list(entry, digest);
  await writer.finish({
    tool: { name: "t", version: "1" },
    database: "db",
    server: { version: "6.0.0" },
    startedAt: "2026-01-01T00:00:00Z",
    finishedAt: "2026-01-01T00:00:01Z",
    collections: [
      {
        ...{ name: "c", type: "collection", entry, documents: documents.length },
        ...{ bytes: digest.bytes, options: encodeExact({}), indexes: [] },
      },
    ],
  });
  return readFileSync(path);
}

/** The documents of an archive that passes the check. */
async function restored(path: string, allowForeign = false): Promise<Buffer[]> {
  const archive = await openArchive(path, { allowForeign });
  try {
    await archive.check();
    const found: Buffer[] = [];
    for (const collection of archive.collections()) {
      if (collection.entry === undefined) continue;
      for await (const batch of archive.read(collection.entry)) found.push(...documentsOf(batch));
    }
    return found;
  } finally {
    await archive.close();
  }
}

const signatures = [0x04034b50, 0x02014b50, 0x06064b50, 0x07064b50, 0x06054b50];
/** A field of any header, by its place behind the signature, and a value that means something. */
const field = fc.record({
  signature: fc.constantFrom(...signatures),
  which: fc.nat(2),
  at: fc.nat(70),
  width: fc.constantFrom(1, 2, 4),
  value: fc.oneof(
    fc.constantFrom(0, 1, 8, 0xff, 0xffff, 0x7fffffff, 0xffffffff),
    fc.nat(0xffffffff),
  ),
});

function mutated(
  whole: Buffer,
  fields: readonly (typeof field extends fc.Arbitrary<infer T> ? T : never)[],
) {
  const bytes = Buffer.from(whole);
  for (const { signature, which, at, width, value } of fields) {
    const wanted = Buffer.alloc(4);
    wanted.writeUInt32LE(signature);
    let start = bytes.indexOf(wanted);
    for (let skip = which; skip > 0; skip--) {
      const next = bytes.indexOf(wanted, start + 1);
      if (next >= 0) start = next;
    }
    const place = start + 4 + at;
    if (start < 0 || place + width > bytes.length) continue;
    bytes.writeUIntLE(value % 256 ** width, place, width);
  }
  return bytes;
}

itHolds("passes the check only with every byte as it was written", 150, () => {
  const path = join(tempDir(), "a.zip");
  const made = makeArchive(path);
  return fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 3 }), async (fields) => {
    const whole = await made;
    const bytes = mutated(whole, fields);
    writeFileSync(path, bytes);
    const found = await resultOrError(() => restored(path), damage);
    expect(found instanceof MigrationError).toBe(!bytes.equals(whole));
  });
});

/** The archive with another manifest, whose CRC-32 is right, as is everything around it. */
function withManifest(whole: Buffer, text: string): Buffer {
  const data = Buffer.from(text);
  const header = localHeader({
    name: entry,
    offset: 0,
    method: 0,
    size: 0,
    compressedSize: 0,
    crc32: 0,
  });
  const size = Buffer.concat(documents).length;
  const body = header.length + size;
  const first = { name: entry, offset: 0, method: 0, size, compressedSize: size } as const;
  const last = { name: "manifest.json", offset: body, method: 0, size: data.length } as const;
  const records: EntryRecord[] = [
    { ...first, crc32: crc32(whole.subarray(header.length, body)) },
    { ...last, compressedSize: data.length, crc32: crc32(data) },
  ];
  const head = localHeader(records[1] ?? { ...first, crc32: 0 });
  const tail = directory(records, body + head.length + data.length);
  return Buffer.concat([whole.subarray(0, body), head, data, tail]);
}

/** Writes the archive anew with these values of its manifest. */
async function changeManifest(path: string, whole: Buffer, changed: ReadonlyMap<string, unknown>) {
  writeFileSync(path, whole);
  const archive = await openArchive(path);
  await archive.close();
  const text = JSON.stringify(archive.manifest, (name, old) =>
    changed.has(name) ? changed.get(name) : old,
  );
  writeFileSync(path, withManifest(whole, text));
}

const key = fc.constantFrom(
  "name",
  "type",
  "entry",
  "documents",
  "bytes",
  "options",
  "indexes",
  "selected",
  "crc32",
  "sha256",
  "body",
  "collections",
  "entries",
  "format",
  "database",
);
const value = fc.oneof(
  fc.constantFrom("c", entry, "AAAA", "", 0, 1, 2, [], ["AAAA"], [""], null),
  fc.jsonValue({ maxDepth: 1 }),
);

itHolds("gives only the documents, if a manifest with the right checksum says else", 150, () => {
  const path = join(tempDir(), "a.zip");
  const made = makeArchive(path);
  const changes = fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 3 });
  return fc.asyncProperty(changes, async (given) => {
    await changeManifest(path, await made, new Map<string, unknown>(given));
    const found = await resultOrError(() => restored(path), damage);
    if (!(found instanceof MigrationError) && found.length > 0) expect(found).toEqual(documents);
  });
});

const vectors = readVectors<Record<string, unknown>>("archive-manifest");

it.each(vectors)("refuses a manifest with %s", async (_, changed) => {
  const path = join(tempDir(), "a.zip");
  const changes = new Map(Object.entries(changed));
  await changeManifest(path, await makeArchive(path), changes);
  await expect(restored(path)).rejects.toMatchObject({ code: "E_INTEGRITY" });
});
