import { createHash, randomBytes } from "node:crypto";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import type { FileRecord } from "../../../src/core/ledger.ts";
import { type OpenLedger, openLedger } from "../../../src/state/ledger.ts";
import { tempDir } from "../../support/temp-dir.ts";

const options = { clock: systemClock, signal: new AbortController().signal };
const id = Buffer.from("0712345678", "hex");
const [h0, h1, h2, foreign] = ["h0", "h1", "h2", "foreign"].map(sha256) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

function sha256(text: string | Buffer): Buffer {
  return createHash("sha256").update(text).digest();
}

async function withLedger(work: (ledger: OpenLedger) => void | Promise<void>, folder = tempDir()) {
  const ledger = await openLedger(folder, options);
  try {
    await work(ledger);
  } finally {
    ledger.close();
  }
}

it("remembers documents by collection and id, over a reopening", async () => {
  const folder = tempDir();
  await withLedger(({ documents }) => {
    documents.intend("A", "run-1", [{ id, hash: h0 }]);
    documents.intend("B", "run-1", [{ id, hash: h1 }]);
  }, folder);
  await withLedger(({ documents }) => {
    expect(documents.get("A", [id, Buffer.from([1]), id])).toEqual([
      { hash: h0, run: "run-1" },
      undefined,
      { hash: h0, run: "run-1" },
    ]);
    expect(documents.get("C", [id])).toEqual([undefined]);
    documents.forget("A", [id]);
    documents.forget("C", [id]);
    expect(documents.get("A", [id])).toEqual([undefined]);
    expect(documents.get("B", [id])).toEqual([{ hash: h1, run: "run-1" }]);
  }, folder);
});

const intents: [string, { hash: Buffer; destination?: Buffer }[], Buffer | undefined][] = [
  ["a first write has none", [{ hash: h0 }], undefined],
  ["another content replaces the older", [{ hash: h0 }, { hash: h1 }], h0],
  ["the same content again keeps it", [{ hash: h0 }, { hash: h1 }, { hash: h1 }], h0],
  [
    "two intents in a row whose writes were never done keep what is there",
    [{ hash: h0 }, { hash: h1, destination: h0 }, { hash: h2, destination: h0 }],
    h0,
  ],
  [
    "an intent that was done is replaced",
    [{ hash: h0 }, { hash: h1, destination: h0 }, { hash: h2, destination: h1 }],
    h1,
  ],
  [
    "what is there already needs none",
    [{ hash: h0 }, { hash: h1 }, { hash: h1, destination: h1 }],
    undefined,
  ],
  [
    "somebody else's content is never ours",
    [{ hash: h0 }, { hash: h1, destination: foreign }],
    undefined,
  ],
];

it.each(intents)("keeps the previous hash right: %s", async (_name, steps, previous) => {
  await withLedger(({ documents }) => {
    for (const step of steps) documents.intend("A", "run-1", [{ id, ...step }]);
    expect(documents.get("A", [id])[0]?.previous).toEqual(previous);
  });
});

it("lets a new document's record take the place of an older one, also over a reopening", async () => {
  const folder = tempDir();
  const others = [Buffer.from([7, 9]), Buffer.from([7, 1])] as const;
  await withLedger(({ documents }) => {
    documents.intend("A", "run-1", [{ id, hash: h0 }]);
    documents.intend("A", "run-1", [{ id, hash: h1, destination: foreign, overwrites: true }]);
  }, folder);
  await withLedger((ledger) => {
    const { documents } = ledger.inScope("user:jane");
    documents.intendNew("A", "run-2", [{ id, hash: h1 }]);
    documents.intendNew("A", "run-2", [{ id, hash: h2 }]);
    documents.intendNew(
      "A",
      "run-2",
      others.map((other) => ({ id: other, hash: h0 })),
    );
  }, folder);
  await withLedger(({ documents }) => {
    const origin = { run: "run-2", scope: "user:jane", overwrote: false };
    expect(documents.known("A", [id])).toEqual([{ record: { hash: h2, run: "run-2" }, origin }]);
    expect(documents.get("A", others)).toEqual([
      { hash: h0, run: "run-2" },
      { hash: h0, run: "run-2" },
    ]);
    documents.intendNew("A", "run-2", [{ id, hash: h0 }]);
    documents.forget("A", [id]);
    expect(documents.get("A", [id])).toEqual([undefined]);
  }, folder);
});

it("finds each of more new documents than it sorts at once, and lets others run", async () => {
  const count = 100_500;
  let ranMeanwhile = false;
  // Scattered, as ids are.
  const idOf = (number: number) => sha256(String(number)).subarray(0, 12);
  await withLedger(async ({ documents }) => {
    for (let first = 0; first < count; first += 500) {
      const numbers = Array.from({ length: 500 }, (_, index) => first + index);
      documents.intendNew(
        "A",
        "run",
        numbers.map((number) => ({ id: idOf(number), hash: h0 })),
      );
    }
    const others = setTimeout(() => {
      ranMeanwhile = true;
    });
    await documents.prepareLookups();
    clearTimeout(others);
    expect(ranMeanwhile).toBe(true);
    const looked = [0, 1, 99_999, 100_000, count - 1].map(idOf);
    expect(documents.get("A", looked)).toEqual(looked.map(() => ({ hash: h0, run: "run" })));
    expect(documents.get("A", [idOf(count)])).toEqual([undefined]);
  });
});

it("always knows what it wrote, whatever is killed between intent and write", async () => {
  const write = fc.record({ content: fc.constantFrom(h0, h1, h2), isDone: fc.boolean() });
  await withLedger(({ documents }) => {
    let key = 0;
    const property = fc.property(fc.array(write, { minLength: 1, maxLength: 12 }), (writes) => {
      key += 1;
      const own = Buffer.from(`07${key.toString(16).padStart(8, "0")}`, "hex");
      let destination: Buffer | undefined;
      for (const { content, isDone } of writes) {
        const intent = { id: own, hash: content };
        documents.intend("A", "run", [destination ? { ...intent, destination } : intent]);
        if (isDone) destination = content;
        const [record] = documents.get("A", [own]);
        const known = [record?.hash, record?.previous].map((hash) => hash?.toString("hex"));
        if (destination) expect(known).toContain(destination.toString("hex"));
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});

it("tells long ids apart from each other and from their own hashes", async () => {
  const long = Buffer.concat([Buffer.of(2), randomBytes(5000)]);
  const other = Buffer.concat([long, Buffer.of(1)]);
  const look = Buffer.concat([Buffer.of(0), sha256(long)]);
  const ids = [long, other, look, sha256(long), Buffer.alloc(0), long.subarray(0, 64)];
  await withLedger(({ documents }) => {
    const entries = ids.map((each, index) => ({ id: each, hash: sha256(String(index)) }));
    documents.intend("A", "run", entries);
    expect(documents.get("A", ids).map((record) => record?.hash)).toEqual(
      entries.map(({ hash }) => hash),
    );
  });
});

const fileRecord: FileRecord = {
  ...{ type: "file", size: 2 ** 52, mtimeNs: 1_700_000_000_123_456_789n, mode: 0o100644 },
  ...{ uid: 0, gid: 4_294_967_294, sourceCtimeNs: -1n, destinationCtimeNs: 0n, ours: true },
  ...{ run: "run-1", state: "intended" },
};

it("gives file records back as they were, with odd names and odd times", async () => {
  const far = 15_000_000_000_123_456_789n;
  const entries: { path: Buffer; record: FileRecord }[] = [
    { path: Buffer.from("."), record: fileRecord },
    {
      path: Buffer.from("a/\\xff\\xfe\\n", "latin1"),
      record: { ...fileRecord, mtimeNs: far, hash: h0 },
    },
    {
      path: Buffer.concat([Buffer.alloc(4090, 0x61), Buffer.of(0xff)]),
      record: {
        ...{ ...fileRecord, ours: false, state: "written", run: "run-2" },
        previous: { size: 0, mtimeNs: -far, destinationCtimeNs: 5n },
      },
    },
  ];
  await withLedger(({ files }) => {
    files.put(entries);
    for (const { path, record } of entries) expect(files.get(path)).toEqual(record);
    files.put([{ path: entries[0]!.path, record: { ...fileRecord, size: 7 } }]);
    expect(files.get(entries[0]!.path)?.size).toBe(7);
    files.forget(entries.map(({ path }) => path));
    expect(entries.map(({ path }) => files.get(path))).toEqual([undefined, undefined, undefined]);
  });
});

it("gives the records of many files in the order of their paths", async () => {
  const paths = Array.from({ length: 450 }, (_, at) => Buffer.from(`d/f${at}`));
  await withLedger(({ files }) => {
    expect(files.getAll(paths)).toEqual(paths.map(() => undefined));
    const known = paths.filter((_, at) => at % 3 !== 0);
    files.put(known.map((path, size) => ({ path, record: { ...fileRecord, size } })));
    const asked = paths.toReversed();
    expect(files.getAll(asked)).toEqual(asked.map((path) => files.get(path)));
    expect(files.getAll(paths).filter((record) => record !== undefined)).toHaveLength(300);
  });
});

it("keeps the hash of a file that is as recorded, and of no other", async () => {
  await withLedger(({ files }) => {
    const [same, changed, unknown] = ["same", "changed", "unknown"].map((name) =>
      Buffer.from(name),
    );
    if (!same || !changed || !unknown) throw new Error("three paths");
    for (const path of [same, changed]) files.put([{ path, record: fileRecord }]);
    files.keepHashes([
      { path: same, hash: h0, destinationCtimeNs: fileRecord.destinationCtimeNs },
      { path: changed, hash: h0, destinationCtimeNs: 1n },
      { path: unknown, hash: h0, destinationCtimeNs: 0n },
    ]);
    expect(files.getAll([same, changed, unknown])).toEqual([
      { ...fileRecord, hash: h0 },
      fileRecord,
      undefined,
    ]);
  });
});

it("takes all of a batch or nothing", async () => {
  await withLedger(({ files }) => {
    function* failing() {
      yield { path: Buffer.from("a"), record: fileRecord };
      throw new Error("stopped");
    }
    expect(() => files.put(failing())).toThrow("stopped");
    expect(files.get(Buffer.from("a"))).toBeUndefined();
    files.put([{ path: Buffer.from("a"), record: fileRecord }]);
    expect(files.get(Buffer.from("a"))).toEqual(fileRecord);
  });
});

it("lists what was completed, the newest of each scope", async () => {
  await withLedger(({ completions }) => {
    completions.record("files", "user:jane", "run-1", 1);
    completions.record("files", "server", "run-1", 2);
    completions.record("documents", "server", "run-1", 3);
    completions.record("files", "user:jane", "run-2", 4);
    expect(completions.list("files")).toEqual([
      { scope: "server", run: "run-1", at: 2 },
      { scope: "user:jane", run: "run-2", at: 4 },
    ]);
  });
});

it("is one process's alone", async () => {
  const folder = tempDir();
  const first = await openLedger(folder, options);
  await expect(openLedger(folder, options)).rejects.toMatchObject({
    code: "E_LOCKED",
    message: `The ledger "${join(folder, "ledger.sqlite")}" is in use by another process`,
  });
  setTimeout(() => first.close(), 100);
  const second = await openLedger(folder, { ...options, waitSeconds: 10 });
  second.close();
});

it("keeps where a document came from over its updates, and who it took the place of", async () => {
  await withLedger((ledger) => {
    const jane = ledger.inScope("user:jane").documents;
    const [a, b, c] = [1, 2, 3].map((byte) => Buffer.of(7, byte)) as [Buffer, Buffer, Buffer];
    jane.intend("A", "r1", [
      { id: a, hash: h0 },
      { id: b, hash: h0, destination: foreign, overwrites: true },
    ]);
    ledger.inScope("server").documents.intend("A", "r2", [{ id: a, hash: h1, destination: h0 }]);
    ledger.documents.intend("A", "r2", [{ id: b, hash: h1, destination: h0 }]);
    ledger.documents.revert("A", "r1", [{ id: b, hash: h0 }]);
    const { documents } = ledger;
    expect(documents.collections()).toEqual(["A"]);
    expect(documents.known("A", [a, b, c]).map((known) => known?.origin)).toEqual([
      { run: "r1", scope: "server", overwrote: false },
      { run: "r1", scope: "user:jane", overwrote: true },
      undefined,
    ]);
    expect(documents.get("A", [b])).toEqual([{ hash: h0, run: "r1" }]);
  });
});

it("keeps where a file came from, and pages through all of them from the last path", async () => {
  const written = { ...fileRecord, state: "written" } as const;
  const previous = { size: 1, mtimeNs: 2n, destinationCtimeNs: 3n };
  const path = (text: string) => Buffer.from(text);
  await withLedger((ledger) => {
    const jane = ledger.inScope("user:jane").files;
    jane.put([
      { path: path("a"), record: fileRecord, intent: { overwrites: true, otherVolume: false } },
      { path: path("a/b"), record: fileRecord, intent: { overwrites: false, otherVolume: true } },
      { path: path("gone"), record: fileRecord },
    ]);
    const { files } = ledger;
    files.put([
      { path: path("a"), record: written },
      { path: path("a/b"), record: { ...written, run: "run-2", previous } },
      // It had been removed: this is another one.
      { path: path("gone"), record: { ...fileRecord, run: "run-2" } },
    ]);
    files.put(
      Array.from({ length: 600 }, (_, at) => ({ path: path(`z${at + 100}`), record: written })),
    );
    const all = [...files.pages()].flat();
    expect(all).toHaveLength(603);
    expect(all[0]?.path.toString()).toBe("z699");
    expect(all.slice(-3).map((one) => [one.path.toString(), one.origin, one.otherVolume])).toEqual([
      ["gone", { run: "run-2", scope: "user:jane", overwrote: false }, false],
      ["a/b", { run: "run-1", scope: "user:jane", overwrote: false }, true],
      ["a", { run: "run-1", scope: "user:jane", overwrote: true }, false],
    ]);
  });
});

it("goes on with the first format, whose records do not say where they came from", async () => {
  const folder = tempDir();
  await withLedger(({ documents, files }) => {
    documents.intend("A", "run-1", [{ id, hash: h0 }]);
    files.put([{ path: Buffer.from("f"), record: fileRecord }]);
  }, folder);
  const database = new DatabaseSync(join(folder, "ledger.sqlite"));
  const origins = ["origin", "overwrote", "scope"];
  for (const table of ["documents", "files"]) {
    for (const column of origins) database.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`);
  }
  database.exec(
    "ALTER TABLE files DROP COLUMN other_volume; DROP TABLE scopes; DROP TABLE unsorted",
  );
  database.exec("PRAGMA user_version = 1");
  database.close();
  await withLedger(({ documents, files }) => {
    expect(documents.known("A", [id])).toEqual([
      { record: { hash: h0, run: "run-1" }, origin: { overwrote: false } },
    ]);
    documents.intend("A", "run-2", [{ id, hash: h1 }]);
    files.put([{ path: Buffer.from("f"), record: fileRecord, intent: { overwrites: true } }]);
    const [[file] = []] = [...files.pages()];
    expect(file?.origin).toEqual({ overwrote: true });
  }, folder);
});

it("goes on with the second format, which put each record into its place at once", async () => {
  const folder = tempDir();
  await withLedger(({ documents }) => documents.intend("A", "run-1", [{ id, hash: h0 }]), folder);
  const database = new DatabaseSync(join(folder, "ledger.sqlite"));
  database.exec("DROP TABLE unsorted; PRAGMA user_version = 2");
  database.close();
  await withLedger(({ documents }) => {
    documents.intendNew("B", "run-2", [{ id, hash: h1 }]);
    expect(documents.get("A", [id])).toEqual([{ hash: h0, run: "run-1" }]);
    expect(documents.get("B", [id])).toEqual([{ hash: h1, run: "run-2" }]);
  }, folder);
});

it("refuses a newer format", async () => {
  const folder = tempDir();
  await withLedger(() => undefined, folder);
  const database = new DatabaseSync(join(folder, "ledger.sqlite"));
  database.exec("PRAGMA user_version = 4");
  database.close();
  await expect(openLedger(folder, options)).rejects.toMatchObject({ code: "E_VERSION" });
});

it("never begins anew over a damaged file", async () => {
  const folder = tempDir();
  const path = join(folder, "ledger.sqlite");
  await withLedger(({ documents }) => documents.intend("A", "r", [{ id, hash: h0 }]), folder);
  const bytes = readFileSync(path);
  const damages = [
    () => truncateSync(path, 0),
    () => truncateSync(path, 5000),
    () => writeFileSync(path, "garbage"),
    () => writeFileSync(path, Buffer.alloc(bytes.length)),
    () => writeFileSync(path, randomBytes(bytes.length)),
  ];
  for (const damage of damages) {
    writeFileSync(path, bytes);
    damage();
    await expect(openLedger(folder, options)).rejects.toMatchObject({
      code: "E_INTEGRITY",
      fields: { path },
    });
  }
  writeFileSync(path, bytes);
  await withLedger(
    ({ documents }) => expect(documents.get("A", [id])[0]?.hash).toEqual(h0),
    folder,
  );
});
