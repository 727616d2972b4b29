import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { execa } from "execa";
import { BSON, MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { rawField } from "../../src/mongo/bson-walk.ts";
import { connectSource } from "../../src/mongo/connect.ts";
import { openLegacy } from "../../src/mongo/connect-legacy.ts";
import type { CollectionSelection, SourceDatabase } from "../../src/mongo/database.ts";
import { inspectDatabase } from "../../src/mongo/inspect.ts";
import { equals } from "../../src/mongo/selection.ts";
import { makeLegacyReader } from "../../src/mongo/source-legacy.ts";
import { readUri } from "../../src/mongo/uri.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { appUser } from "../support/mongod-setup.ts";
import { insertRaw, oddDocuments } from "../support/raw-bson.ts";
import { tempDir } from "../support/temp-dir.ts";

describe.each(["4.2", "4.4", "6.0"] as const)("a source of mongod %s", (version) => {
  let server: RunningMongod;
  beforeAll(async () => {
    server = await startMongod({ version, auth: true });
    await seed(server);
  });
  afterAll(() => server?.stop());

  it("tells who it is", async () => {
    const source = await connect(server.uri);
    expect(source.facts).toMatchObject({ driver: "current" });
    expect(source.facts.version).toMatch(new RegExp(`^${version}\\.`));
    expect(source.facts.processId === undefined).toBe(version === "4.2");
  });

  it("lists collections with the types of their options", async () => {
    const source = await connect(server.uri);
    const specs = await source.collections();
    expect(specs.map(({ name, type }) => [name, type])).toEqual([
      ["capped", "collection"],
      ["folded", "collection"],
      ["many", "collection"],
      ["odd", "collection"],
      ["view", "view"],
    ]);
    expect(specs[0]?.uuid).toMatch(/^[0-9a-f]{32}$/);
    const validator = specs.find(({ name }) => name === "folded")?.options["validator"];
    expect(validator.n.$gt).toEqual(new BSON.Double(5));
  });

  it("says the simple collation where an index has it and its collection another", async () => {
    const source = await connect(server.uri);
    const indexes = await source.indexes("folded");
    const collations = Object.fromEntries(indexes.map((each) => [each["name"], each["collation"]]));
    expect(collations["plain"]).toEqual({ locale: "simple" });
    expect(collations["default"].locale).toBe("en");
    expect(await source.indexes("view")).toEqual([]);
    expect(await source.indexes("nothing")).toEqual([]);
  });

  it.each(["current", "legacy"] as const)(
    "gives every document byte for byte by the %s driver",
    async (driver) => {
      const source = await connect(server.uri, driver);
      const read = await readAll(source, { collection: "odd", filters: [] });
      expect(read.data).toEqual(Buffer.concat(oddDocuments()));
      expect(read.count).toBe(oddDocuments().length);
      const many = await readAll(source, { collection: "many", filters: [] });
      expect(many.count).toBe(30_000);
      expect(await source.count({ collection: "many", filters: [] })).toBe(30_000);
      expect(await source.size("many")).toMatchObject({ documents: 30_000 });
      const names = (await source.collections()).map(({ name }) => name);
      expect(names).toEqual(["capped", "folded", "many", "odd", "view"]);
      expect((await source.indexes("folded")).map(({ name }) => name)).toContain("plain");
    },
  );

  it("finds each odd document by its odd value", async () => {
    const source = await connect(server.uri);
    const missed: string[] = [];
    for (const document of oddDocuments()) {
      const value = rawField(document, "v")!;
      // There is no query for undefined, and 6.0 puts the indexes of an array in a query in order.
      if (value.type === 0x06 || document.includes("odd array")) continue;
      const selection = { collection: "odd", filters: [equals("v", value)] };
      const { data } = await readAll(source, selection);
      if (!data.includes(document)) missed.push(BSON.deserialize(rawIdOnly(document))["_id"]);
      if ((await source.count(selection)) === 0) missed.push("count");
    }
    expect(missed).toEqual([]);
  });

  it("selects by the exact value where the collection ignores case", async () => {
    const source = await connect(server.uri);
    const value = rawField(Buffer.from(BSON.serialize({ v: "jane" })), "v")!;
    for (const reader of [source, await connect(server.uri, "legacy")]) {
      const selection = { collection: "folded", filters: [equals("owner", value)] };
      expect(await reader.count(selection)).toBe(1);
      expect((await readAll(reader, selection)).count).toBe(1);
    }
  });

  it("reads only the fields that are asked for", async () => {
    const source = await connect(server.uri);
    const batches = source.read({ collection: "odd", filters: [] }, { projection: { _id: 1 } });
    for await (const { data } of batches) expect(data.includes(Buffer.from("\0v\0"))).toBe(false);
  });

  it("leaves no cursor behind when reading stops early or is aborted", async () => {
    const source = await connect(server.uri);
    for await (const _ of source.read({ collection: "many", filters: [] })) break;
    const controller = new AbortController();
    const reading = (async () => {
      const options = { signal: controller.signal };
      for await (const _ of source.read({ collection: "many", filters: [] }, options)) {
        controller.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "E_INTERRUPTED" });
    await expect.poll(() => openCursors(server)).toBe(0);
  });

  it("is described without a value of it", async () => {
    const shapes = await inspectDatabase(await connect(server.uri), { sample: 500 });
    expect(shapes.find(({ name }) => name === "many")).toMatchObject({
      documents: 30_000,
      sampled: 500,
      indexes: [{ name: "_id_", keys: { _id: "1" }, unique: true }],
      fields: [
        { path: "_id", types: { int32: 500 }, frequency: 1 },
        { path: "text", types: { string: 500 }, frequency: 1 },
      ],
    });
    expect(JSON.stringify(shapes)).not.toMatch(/jane|xxx/i);
    await expect.poll(() => openCursors(server)).toBe(0);
  });

  it("names what is wrong with the log-in", async () => {
    const wrong = server.uri.replace(encodeURIComponent(appUser.password), "wrong");
    await expect(connect(wrong)).rejects.toMatchObject({
      code: "E_AUTHENTICATION",
      message: `The server at "127.0.0.1:${server.port}" refused the log-in`,
    });
  });

  it("names the action that the user may not do", async () => {
    const source = await connect(server.uri, "current", "forbidden");
    await expect(source.collections()).rejects.toMatchObject({
      code: "E_PERMISSION",
      message: expect.stringContaining("list the collections"),
    });
  });
});

describe("connecting", () => {
  it("names the host that does not answer", async () => {
    const port = await closedPort();
    await expect(
      connectInVain(`mongodb://u:canary-secret@127.0.0.1:${port}/`),
    ).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it("names an option of the URI that does not exist", async () => {
    await expect(connect("mongodb://127.0.0.1/?noSuchOption=1")).rejects.toMatchObject({
      code: "E_URI",
    });
  });

  it("says that it is the certificate", async () => {
    const port = await startTlsStub();
    await expect(connectInVain(`mongodb://127.0.0.1:${port}/?tls=true`)).rejects.toMatchObject({
      code: "E_TLS",
    });
  });

  it("takes the old driver for a server of wire version 5, at once", async () => {
    const stub = await startWireStub(5);
    const started = performance.now();
    const source = await connect(`mongodb://127.0.0.1:${stub.port}/?directConnection=true`);
    expect(source.facts).toEqual({ version: "3.4.24", maxWireVersion: 5, driver: "legacy" });
    expect(performance.now() - started).toBeLessThan(5000);
    expect(stub.commands).toContain("buildInfo");
  });

  it("refuses a server that only drivers to come can talk to", async () => {
    const stub = await startWireStub(99, 90);
    const uri = `mongodb://127.0.0.1:${stub.port}/?directConnection=true`;
    await expect(connectInVain(uri)).rejects.toMatchObject({ code: "E_VERSION" });
  });
});

async function connect(
  uri: string,
  driver: "current" | "legacy" = "current",
  database: string = appUser.database,
  selectionMs = 10_000,
): Promise<SourceDatabase> {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, `${uri}\n`);
  const ref = { uriFile, database };
  const source =
    driver === "current"
      ? await connectSource(ref, { selectionMs })
      : makeLegacyReader(await openLegacy(await readUri(ref), database, 99));
  onTestFinished(() => source.close());
  return source;
}

/** Of a server that is not to be found: nobody has to wait for it. */
function connectInVain(uri: string): Promise<SourceDatabase> {
  return connect(uri, "current", appUser.database, 1000);
}

async function readAll(source: SourceDatabase, selection: CollectionSelection) {
  const parts: Buffer[] = [];
  let count = 0;
  for await (const batch of source.read(selection)) {
    parts.push(batch.data);
    count += batch.count;
  }
  return { data: Buffer.concat(parts), count };
}

async function seed(server: RunningMongod) {
  const client = new MongoClient(server.uri);
  const db = client.db(appUser.database);
  for (const document of oddDocuments()) await insertRaw(db, "odd", document);
  const many = Array.from({ length: 30_000 }, (_, i) => ({ _id: i, text: "x".repeat(400) }));
  await db.collection<{ _id: number }>("many").insertMany(many);
  await db.createCollection("capped", { capped: true, size: 65_536, max: 100 });
  await db.createCollection("folded", {
    collation: { locale: "en", strength: 2 },
    validator: { n: { $gt: new BSON.Double(5) } },
  });
  await db.collection("folded").insertMany([
    { n: 6, owner: "jane" },
    { n: 7, owner: "JANE" },
  ]);
  await db.collection("folded").createIndex({ a: 1 }, { name: "default" });
  const simple = { name: "plain", collation: { locale: "simple" } };
  await db.collection("folded").createIndex({ a: 1 }, simple);
  await db.createCollection("view", { viewOn: "odd", pipeline: [] });
  await client.close();
}

function rawIdOnly(document: Buffer): Buffer {
  const id = rawField(document, "_id")!;
  const element = Buffer.concat([Buffer.of(id.type), Buffer.from("_id\0"), id.bytes]);
  const length = Buffer.alloc(4);
  length.writeInt32LE(element.length + 5);
  return Buffer.concat([length, element, Buffer.of(0)]);
}

async function openCursors(server: RunningMongod): Promise<number> {
  const client = new MongoClient(server.adminUri);
  try {
    const status = await client.db("admin").command({ serverStatus: 1 });
    return Number(status["metrics"].cursor.open.total);
  } finally {
    await client.close();
  }
}

function closedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Shows a certificate that no authority vouches for. */
async function startTlsStub(): Promise<number> {
  const folder = tempDir();
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x"];
  await execa("openssl", [...request, "-keyout", key, "-out", cert]);
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** Speaks just enough of the old wire protocol (OP_QUERY, OP_REPLY) to be asked who it is. */
async function startWireStub(maxWireVersion: number, minWireVersion = 0) {
  const commands: string[] = [];
  const hello = {
    ismaster: true,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 1000,
    maxWireVersion,
    minWireVersion,
    ok: 1,
  };
  const server = createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= pending.readInt32LE(0)) {
        const message = pending.subarray(0, pending.readInt32LE(0));
        pending = pending.subarray(message.length);
        const command = Object.keys(queryOf(message))[0] ?? "";
        commands.push(command);
        const answer = command === "buildInfo" ? { version: "3.4.24", ok: 1 } : hello;
        socket.write(opReply(message.readInt32LE(4), BSON.serialize(answer)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { port: typeof address === "object" && address ? address.port : 0, commands };
}

function queryOf(message: Buffer) {
  const body = message.indexOf(0, 20) + 1 + 8;
  const query = BSON.deserialize(message.subarray(body));
  return query["$query"] ?? query;
}

function opReply(responseTo: number, document: Uint8Array): Buffer {
  const head = Buffer.alloc(36);
  head.writeInt32LE(36 + document.length, 0);
  head.writeInt32LE(responseTo, 8);
  head.writeInt32LE(1, 12);
  head.writeInt32LE(1, 32);
  return Buffer.concat([head, document]);
}
