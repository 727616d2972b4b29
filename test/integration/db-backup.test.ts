import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { BSON, type Db } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Progress } from "../../src/core/progress.ts";
import { openArchive } from "../../src/mongo/archive/open.ts";
import { documentsOf, rawField } from "../../src/mongo/bson-walk.ts";
import { connectSource } from "../../src/mongo/connect.ts";
import { openLegacy } from "../../src/mongo/connect-legacy.ts";
import { equals, textOf } from "../../src/mongo/selection.ts";
import { makeLegacyReader } from "../../src/mongo/source-legacy.ts";
import { readUri } from "../../src/mongo/uri.ts";
import { provideMongoTools } from "../support/mongo-tools.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { doc, el, insertRaw, oddDocuments, oddElements, str } from "../support/raw-bson.ts";
import { tempDir } from "../support/temp-dir.ts";
import {
  backUp,
  database,
  failCommands,
  inputFor,
  sortedHashes,
  uriOf,
  wholeOf,
  withDb,
} from "./backup-rig.ts";
import { mountSmall } from "./files-rig.ts";

const longName = `${"very long name with spaces/é ".repeat(7)}`;

describe.each(["4.2", "6.0"] as const)("a backup of mongod %s", (version) => {
  let server: RunningMongod;
  beforeAll(async () => {
    server = await startMongod({ version });
    await withDb(server, (db) => seed(db, version));
  });
  afterAll(() => server?.stop());

  it("holds the bytes that the server's cursor gives", async () => {
    const names = ["odd", "many", "folded", longNameFor(version), "view", "empty"];
    const { output, archive } = await backUp(server, { names });
    await archive.check();
    const source = await connectSource(uriOf(server));
    onTestFinished(() => source.close());
    for (const collection of archive.collections()) {
      if (collection.entry === undefined) continue;
      const live = await wholeOf(source.read({ collection: collection.name, filters: [] }));
      expect((await wholeOf(archive.read(collection.entry))).equals(live)).toBe(true);
      expect(output.collections[collection.name]?.bytes).toBe(live.length);
    }
    expect(output).toMatchObject({ views: ["view"], missing: [], documents: 30_000 + 33 + 3 });
    expect(await wholeOf(archive.read(`${database}/odd.bson`))).toEqual(
      Buffer.concat(oddDocuments()),
    );
  });

  it("keeps options and indexes with their types", async () => {
    const { archive } = await backUp(server, { names: ["folded", "view"] });
    const source = await connectSource(uriOf(server));
    onTestFinished(() => source.close());
    const specs = await source.collections();
    for (const { name, options, indexes, type, uuid } of archive.collections()) {
      const spec = specs.find((each) => each.name === name);
      expect({ name, options, type, ...(uuid ? { uuid } : {}) }).toEqual(spec);
      expect(indexes).toEqual(await source.indexes(name));
    }
  });

  it("takes only the documents that are selected", async () => {
    const value = rawField(Buffer.from(BSON.serialize({ v: "jane" })), "v")!;
    const filters = [equals("owner", value)];
    const { archive, output } = await backUp(server, { names: ["folded"], filters });
    expect(output.collections).toEqual({ folded: { documents: 1, bytes: expect.any(Number) } });
    expect(archive.manifest?.collections[0]?.selected).toEqual(["owner"]);
  });

  it("reports documents and bytes that only grow up to their totals", async () => {
    const { reports } = await backUp(server, { names: ["many", "odd"] });
    const done = reports.map(({ documents }) => documents?.done ?? 0);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(reports.at(-1)?.documents).toEqual({ done: 30_033, total: 30_033 });
  });

  it("names collections that are gone, and goes on", async () => {
    const { output } = await backUp(server, { names: ["odd", "gone"] });
    expect(output.missing).toEqual(["gone"]);
  });

  it("leaves nothing under the final name when it is stopped", async () => {
    const controller = new AbortController();
    const folder = tempDir();
    const onReport = ({ documents }: Progress) => {
      if ((documents?.done ?? 0) > 0) controller.abort();
    };
    const given = {
      names: ["many", "odd"],
      folder,
      context: { signal: controller.signal },
      onReport,
    };
    await expect(backUp(server, given)).rejects.toMatchObject({ code: "E_INTERRUPTED" });
    expect(existsSync(join(folder, "a.zip"))).toBe(false);
    expect(existsSync(join(folder, "a.zip.tmp"))).toBe(false);
  });

  it("reads a collection again when the connection breaks", async () => {
    await failCommands(server, { times: 1 }, { failCommands: ["getMore"], closeConnection: true });
    const { archive, output } = await backUp(server, { names: ["many", "odd"] });
    await archive.check();
    expect(output.documents).toBe(30_033);
    const read = await wholeOf(archive.read(`${database}/many.bson`));
    const source = await connectSource(uriOf(server));
    onTestFinished(() => source.close());
    expect(read.equals(await wholeOf(source.read({ collection: "many", filters: [] })))).toBe(true);
  });

  it.each(["current", "legacy"] as const)(
    "can be gone on with at an id of any type, by the %s driver",
    async (driver) => {
      await withDb(server, seedIds);
      const source = await openBy(driver, server);
      const unsent: string[] = [];
      for (const collection of ["ids", "words"]) {
        const all = { collection, filters: [] };
        const whole = await wholeOf(source.read(all, { byId: {} }));
        const live = await wholeOf(source.read(all));
        expect(sortedHashes(whole)).toEqual(sortedHashes(live));
        let rest = whole;
        for (const document of documentsOf({ data: whole, count: 0 })) {
          const from = rawField(document, "_id")!;
          if (!source.canReadFrom(from)) unsent.push(textOf(rawField(document, "v")) ?? "");
          else expect(await wholeOf(source.read(all, { byId: { from } }))).toEqual(rest);
          rest = rest.subarray(document.length);
        }
      }
      expect(unsent.sort()).toEqual(driver === "current" ? [] : unsentByLegacy);
    },
  );

  it("survives that the server is killed and comes back", async () => {
    const own = await startMongod({ version });
    onTestFinished(() => own.stop());
    await withDb(own, (db) => seed(db, version));
    let killed = false;
    let back: Promise<void> | undefined;
    const onReport = ({ documents }: Progress) => {
      if (killed || (documents?.done ?? 0) === 0) return;
      killed = true;
      back = own.kill9().then(() => own.restart());
    };
    const { archive, output } = await backUp(own, { names: ["many", "odd"], onReport });
    await back;
    expect(killed).toBe(true);
    expect(output.documents).toBe(30_033);
    await archive.check();
  });
});

describe("a backup", () => {
  let server: RunningMongod;
  beforeAll(async () => {
    server = await startMongod({ version: "6.0" });
    await withDb(server, (db) => seed(db, "6.0"));
  });
  afterAll(() => server?.stop());

  it("holds time series as the buckets that they are", async () => {
    await withDb(server, async (db) => {
      await db.createCollection("series", { timeseries: { timeField: "t", metaField: "m" } });
      const points = Array.from({ length: 500 }, (_, i) => ({ t: new Date(i * 60_000), m: i % 3 }));
      await db.collection("series").insertMany(points);
    });
    const { archive } = await backUp(server, { names: ["series"] });
    const [series] = archive.collections();
    expect(series).toMatchObject({
      name: "series",
      type: "timeseries",
      entry: `${database}/system.buckets.series.bson`,
    });
    expect(series?.documents).toBeGreaterThan(0);
    expect(series?.options["timeseries"]).toMatchObject({ timeField: "t" });
  });

  it("is laid out as mongodump does it, byte for byte, and bsondump reads it", async (test) => {
    const tools = await provideMongoTools();
    if ("missing" in tools) test.skip(tools.missing);
    else {
      const names = ["odd", "many", "folded", longName, "view"];
      const { archive, path } = await backUp(server, { names });
      const [theirs, ours] = [tempDir(), tempDir()];
      const uri = `--uri=${server.uri}`;
      await execa(tools.mongodump, [uri, `--db=${database}`, "--out", theirs, "--quiet"]);
      await execa("python3", ["-m", "zipfile", "-e", path, ours]);
      for (const { entry } of archive.collections()) {
        if (entry === undefined) continue;
        await execa("cmp", [join(theirs, entry), join(ours, entry)]);
        await execa(tools.bsondump, ["--quiet", join(ours, entry)], { maxBuffer: 1e9 });
      }
      await execa("ls", [`${theirs}/${database}/view.metadata.json`]);
      await execa("ls", [`${ours}/${database}/view.metadata.json`]);
      const foreign = await openArchive(theirs, { allowForeign: true });
      await foreign.check();
      const found = Object.fromEntries(foreign.collections().map((each) => [each.name, each]));
      for (const {
        entry: _entry,
        uuid: _uuid,
        indexes: _indexes,
        ...each
      } of archive.collections()) {
        expect(found[each.name]).toMatchObject(each);
      }
      await foreign.close();
    }
  });

  it("says that the volume is full", async (test) => {
    const folder = tempDir();
    if (!mountSmall(folder, "1m")) test.skip("cannot mount a small volume here");
    await withDb(server, async (db) => {
      const data = Array.from({ length: 40 }, () => ({ b: randomBinary(100_000) }));
      await db.collection("random").insertMany(data);
    });
    const backup = backUp(server, { names: ["random"], folder });
    await expect(backup).rejects.toMatchObject({ code: "E_NO_SPACE" });
    expect(existsSync(join(folder, "a.zip.tmp"))).toBe(false);
    const onReport = ({ documents }: Progress) => expect(documents?.done ?? 0).toBe(0);
    const stored = backUp(server, { names: ["random"], folder, compression: "store", onReport });
    await expect(stored).rejects.toMatchObject({
      ...{ code: "E_NO_SPACE", exitCode: 5 },
      fields: { neededBytes: expect.any(Number), freeBytes: expect.any(Number) },
      message: expect.stringMatching(
        /the archive in ".*": 40\d{5} bytes are needed, \d+ bytes are/,
      ),
    });
  });

  it("refuses a part of a time series", async () => {
    await withDb(server, (db) =>
      db.createCollection("parts", { timeseries: { timeField: "t" } }).then(() => {}),
    );
    const value = rawField(Buffer.from(BSON.serialize({ v: 1 })), "v")!;
    const backup = backUp(server, { names: ["parts"], filters: [equals("m", value)] });
    await expect(backup).rejects.toMatchObject({ code: "E_SCOPE" });
  });
});

/** 600 MB, or 2 GB with MIGCTL_TEST_LARGE: half of it small documents, the rest up to 16 MB. */
const megabytes = process.env["MIGCTL_TEST_LARGE"] ? 2000 : 600;

it(`takes no more than 256 MiB of memory for ${megabytes} MB`, { timeout: 600_000 }, async () => {
  const server = await startMongod({ version: "6.0" });
  onTestFinished(() => server.stop());
  await withDb(server, (db) => seedLarge(db, megabytes));
  const folder = tempDir();
  const input = await inputFor(server, { names: ["small", "middle", "huge"], folder });
  const program = fileURLToPath(new URL("programs/backup.ts", import.meta.url));
  const { stdout } = await execa(process.execPath, [program, JSON.stringify(input)]);
  const result = JSON.parse(stdout);
  process.stderr.write(`backup of ${megabytes} MB: ${stdout}\n`);
  expect(result.peakMiB).toBeLessThanOrEqual(256);
  expect(result.bytes).toBeGreaterThan(megabytes * 900_000);
});

async function seed(db: Db, version: string) {
  for (const document of oddDocuments()) await insertRaw(db, "odd", document);
  const many = Array.from({ length: 30_000 }, (_, i) => ({ _id: i, text: `x${i}`.repeat(80) }));
  await db.collection<{ _id: number }>("many").insertMany(many);
  await db.createCollection("folded", {
    collation: { locale: "en", strength: 2 },
    validator: { n: { $gt: new BSON.Double(5) } },
  });
  await db.collection("folded").insertMany([
    { n: 6, owner: "jane" },
    { n: 7, owner: "JANE" },
  ]);
  await db.collection("folded").createIndex({ a: 1 }, { collation: { locale: "simple" } });
  await db
    .collection("folded")
    .createIndex({ b: "text" }, { weights: { b: 10 }, collation: { locale: "simple" } });
  await db.collection(longNameFor(version)).insertOne({ a: 1 });
  await db.createCollection("empty");
  await db.createCollection("view", { viewOn: "odd", pipeline: [{ $match: { v: 1 } }] });
}

/** Ids of all types that a server takes, and words under a collation that ignores case. */
async function seedIds(db: Db) {
  await db.collection("ids").drop();
  for (const [name, odd] of Object.entries(oddElements)) {
    const value = rawField(doc(odd), "v")!;
    const id = doc(el(value.type, "_id", value.bytes), el(0x02, "v", str(name)));
    await insertRaw(db, "ids", id).catch(() => {});
  }
  await db.collection("words").drop();
  await db.createCollection("words", { collation: { locale: "en", strength: 2 } });
  const words = ["b", "A", "c", "D", 5].map((_id) => ({ _id: _id as string, v: "word" }));
  await db.collection<{ _id: string }>("words").insertMany(words);
}

/** What the old driver's own encoder changes, or does not know. */
const unsentByLegacy = [
  ...["NaN with a payload", "_bsontype key", "date far away", "db pointer", "duplicate keys"],
  ...["integer-like keys", "invalid UTF-8", "invalid UTF-8 key", "negative zero", "symbol"],
];

async function openBy(driver: "current" | "legacy", server: RunningMongod) {
  const ref = uriOf(server);
  const source =
    driver === "current"
      ? await connectSource(ref)
      : makeLegacyReader(await openLegacy(await readUri(ref), database, 99));
  onTestFinished(() => source.close());
  return source;
}

/** Servers before 4.4 take no name of more than 120 bytes with its database. */
function longNameFor(version: string): string {
  return version === "4.2" ? longName.slice(0, 100) : longName;
}

async function seedLarge(db: Db, size: number) {
  const half = (size / 2) * 1_000_000;
  const text = randomBinary(600).toString("base64");
  for (let at = 0, id = 0; at < half; ) {
    const documents: Buffer[] = [];
    for (let bytes = 0; bytes < 8_000_000; id++) {
      const document = Buffer.from(BSON.serialize({ _id: id, owner: `user${id % 50}`, text }));
      documents.push(document);
      bytes += document.length;
    }
    at += 8_000_000;
    await insertRaw(db, "small", Buffer.concat(documents));
  }
  await fill(db, "middle", { total: half / 2, each: 200_000 });
  await fill(db, "huge", { total: half / 2, each: 16_700_000 });
}

async function fill(db: Db, name: string, { total, each }: { total: number; each: number }) {
  for (let at = 0; at < total; at += each) {
    await insertRaw(db, name, Buffer.from(BSON.serialize({ _id: at, b: randomBinary(each) })));
  }
}

function randomBinary(bytes: number): Buffer {
  const data = Buffer.allocUnsafe(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) data.writeInt32LE((Math.random() * 2 ** 31) | 0, at);
  return data;
}
