import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Dial } from "../../src/core/dial.ts";
import { withLink } from "../../src/manager/link/with-link.ts";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { appUser } from "../support/mongod-setup.ts";
import { found, hashesOf, restoreInto, sourceOf } from "../support/restore-bed.ts";
import { tempDir } from "../support/temp-dir.ts";
import { connectThrough, startServer, startSocks } from "../unit/manager/link-rig.ts";
import { dialNames } from "./link-rig.ts";

let server: RunningMongod;
beforeAll(async () => {
  server = await startMongod({ version: "6.0", auth: true });
});
afterAll(() => server?.stop());

/** The same log-in, by a name that nobody here knows. */
function farRef(user: "app" | "root" = "app", database: string = appUser.database) {
  const uriFile = join(tempDir(), "uri");
  const uri = user === "app" ? server.uri : server.adminUri;
  writeFileSync(uriFile, uri.replace(/127\.0\.0\.1:\d+/, "db.far.test"), { mode: 0o600 });
  return { uriFile, database };
}

const dial: Dial = (target, signal) =>
  dialNames({ "db.far.test:27017": server.port })(target, signal);

it("logs in with an odd password and writes", async () => {
  const documents = Array.from({ length: 3000 }, (_, n) => ({ _id: n }));
  const { collections } = await withLink(farRef(), dial, {}, ({ ref }) =>
    restoreInto(ref, sourceOf({ name: "c", documents })),
  );
  expect(found(collections[0]?.verdicts)).toEqual({ migrated: 3000 });
});

it("still tells a wrong password of the database from one that it cannot reach", async () => {
  const ref = farRef();
  writeFileSync(ref.uriFile, "mongodb://admin:wrong@db.far.test/?directConnection=true");
  const connected = withLink(ref, dial, {}, (link) => connectDestination(link.ref));
  await expect(connected).rejects.toMatchObject({ code: "E_AUTHENTICATION" });
});

it("names the relay's own reason where the driver only knows that it cannot connect", async () => {
  const port = await closedPort();
  const refusing = dialNames({ "db.far.test:27017": port });
  const inVain = { selectionMs: 1000 };
  const connected = withLink(farRef(), refusing, {}, ({ ref }) => connectDestination(ref, inVain));
  await expect(connected).rejects.toMatchObject({
    code: "E_UNAVAILABLE",
    message: expect.stringMatching(
      /^Cannot connect: the server at "db\.far\.test" cannot be reached \(through the link: db\.far\.test:27017: connect ECONNREFUSED/,
    ),
  });
  const unknown = dialNames({});
  const lost = withLink(farRef(), unknown, {}, ({ ref }) => connectDestination(ref, inVain));
  await expect(lost).rejects.toThrow(/ENOTFOUND db\.far\.test/);
});

it("is refused with another password for the link", async () => {
  const asked: string[] = [];
  const counting: Dial = (target, signal) => {
    asked.push(target.host);
    return dial(target, signal);
  };
  await withLink(farRef(), counting, {}, async ({ ref }) => {
    const uri = readFileSync(ref.uriFile, "utf8").replace(/(proxyPassword)=.*$/, "$1=wrong");
    const options = { serverSelectionTimeoutMS: 1500 };
    await expect(MongoClient.connect(uri, options)).rejects.toThrow(/Authentication failed/);
  });
  expect(asked).toEqual([]);
});

it("ends equal when its connections are cut again and again", async () => {
  const documents = Array.from({ length: 60_000 }, (_, n) => ({
    _id: n,
    text: `${n} `.repeat(60),
  }));
  const calm = await restoreInto(direct("calm"), sourceOf({ name: "c", documents }));
  let cuts = 0;
  const cutting: Dial = async (target, signal) => {
    const far = await dial(target, signal);
    // Some in the middle of a batch, some after it is written and before it is acknowledged.
    let left = 300_000 + Math.round(Math.random() * 1_500_000);
    const write = far.write.bind(far);
    far.write = ((chunk: Buffer, ...rest: []) => {
      left -= chunk.length;
      const more = write(chunk, ...rest);
      if (left < 0 && !far.destroyed) {
        cuts++;
        far.destroy();
      }
      return more;
    }) as typeof far.write;
    return far;
  };
  const { collections, counters } = await withLink(
    farRef("root", "stormy"),
    cutting,
    {},
    ({ ref }) => restoreInto(ref, sourceOf({ name: "c", documents })),
  );
  expect(cuts).toBeGreaterThan(5);
  expect(counters.retries).toBeGreaterThan(0);
  expect(found(collections[0]?.verdicts)).toEqual(found(calm.collections[0]?.verdicts));
  const client = await MongoClient.connect(server.adminUri);
  const [one, other] = [await hashesOf(client.db("calm")), await hashesOf(client.db("stormy"))];
  await client.close();
  expect(one["c"]).toMatch(/^[0-9a-f]{32}$/);
  expect(other).toEqual(one);
});

const megabytes = 200;
const limit = 32_000_000;

it.each(["reads", "sends"])(
  `holds back the fast side and stays small: ${megabytes} MB, where the far side %s`,
  async (far) => {
    const flow = watchFlow();
    const done = Promise.withResolvers<void>();
    const port = await startServer((socket) => {
      socket.once("readable", () => {
        const work = far === "reads" ? flow.receiveSlowly(socket) : flow.send(socket);
        work.then(done.resolve, done.reject);
      });
    });
    const socks = await startSocks(dialNames({ "h:1": port }));
    const socket = await connectThrough(socks, { host: "h", port: 1 });
    // As with a MongoDB driver, the first word is the client's.
    socket.write("!");
    const near = far === "reads" ? flow.send(socket) : flow.receiveSlowly(socket);
    await Promise.all([near, done.promise]);
    const { sent, received, mostUnderWay, mostMemory } = flow.result;
    expect(sent).toBeGreaterThanOrEqual(megabytes * 1_000_000);
    expect(received).toBe(far === "reads" ? sent + 1 : sent);
    expect(mostUnderWay).toBeLessThan(limit);
    expect(mostMemory).toBeLessThan(limit);
  },
);

/** What is under way, and what memory is held for it once what is free is given back. */
function watchFlow() {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const held = () => {
    collect();
    const { arrayBuffers, external } = process.memoryUsage();
    return arrayBuffers + external;
  };
  const before = held();
  const result = { sent: 0, received: 0, mostUnderWay: 0, mostMemory: 0 };
  const piece = Buffer.alloc(64 * 1024, "x");
  async function send(stream: Writable) {
    while (result.sent < megabytes * 1_000_000) {
      await new Promise<void>((resolve) => stream.write(piece, () => resolve()));
      result.sent += piece.length;
      result.mostUnderWay = Math.max(result.mostUnderWay, result.sent - result.received);
    }
    stream.end();
  }
  async function receiveSlowly(stream: AsyncIterable<Buffer>) {
    let looked = 0;
    for await (const chunk of stream) {
      result.received += chunk.length;
      if (Math.random() < 0.2) await sleep(1);
      if (result.received - looked < 5_000_000) continue;
      looked = result.received;
      result.mostMemory = Math.max(result.mostMemory, held() - before);
    }
  }
  return { send, receiveSlowly, result };
}

function direct(database: string) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, server.adminUri);
  return { uriFile, database };
}

function closedPort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
