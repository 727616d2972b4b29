import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withLink } from "../../src/manager/link/with-link.ts";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import { found, hashesOf, restoreInto, sourceOf } from "../support/restore-bed.ts";
import { makeDir, removeTree, tempDir } from "../support/temp-dir.ts";
import { dialNames, type ReplicaSet, startReplicaSet } from "./link-rig.ts";

let folder: string;
let set: ReplicaSet;
beforeAll(async () => {
  folder = makeDir();
  set = await startReplicaSet(folder);
});
afterAll(async () => {
  await set?.stop();
  removeTree(folder);
});

const database = "DLAAS";

function refTo(uri: string) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, uri, { mode: 0o600 });
  return { uriFile, database };
}

it("checks the certificates against the real names, which only the dial can look up", async () => {
  const asked = new Set<string>();
  const facts = await withLink(
    refTo(set.uri),
    (target, signal) => {
      asked.add(`${target.host}:${target.port}`);
      return set.dial(target, signal);
    },
    {},
    async ({ ref }) => {
      const destination = await connectDestination(ref);
      await destination.close();
      return destination.facts;
    },
  );
  expect(facts).toMatchObject({ setName: "rs", version: expect.stringMatching(/^6\.0\./) });
  for (const name of asked) expect(name).toMatch(/^m[012]\.rs\.test:27017$/);
  expect(asked.size).toBeGreaterThan(0);
});

it("finds the primary from the name of another member", async () => {
  const secondary = (await set.primary()) === 1 ? "m2" : "m1";
  const one = set.uri.replace(/m0.*27017(?=\/)/, `${secondary}.rs.test:27017`);
  await withLink(refTo(one), set.dial, {}, async ({ ref }) => {
    const destination = await connectDestination(ref);
    await destination.create({ name: "seen", type: "collection", options: {} });
    await destination.close();
  });
});

it.each([
  ["another name", (uri: string) => uri.replace(/m0.*27017(?=\/)/, "wrong.rs.test:27017")],
  ["another authority", (uri: string) => uri.replace(/&tlsCAFile=.*$/, "")],
])("refuses a certificate of %s", async (_, change) => {
  const [port = 0] = Object.values(set.ports);
  const dial = dialNames({ ...set.ports, "wrong.rs.test:27017": port });
  const connected = withLink(refTo(change(set.uri)), dial, {}, ({ ref }) =>
    connectDestination(ref, { selectionMs: 2000 }),
  );
  await expect(connected).rejects.toMatchObject({ code: "E_TLS" });
});

it("follows a step-down in the middle of a restore", async () => {
  const documents = Array.from({ length: 40_000 }, (_, n) => ({ _id: n, text: "x".repeat(300) }));
  const before = await set.primary();
  let steppingDown: Promise<void> | undefined;
  async function stepDown() {
    const admin = await set.admin(before);
    await admin.db("admin").command({ replSetStepDown: 60, secondaryCatchUpPeriodSecs: 20 });
    await admin.close();
  }
  const { collections, counters } = await withLink(refTo(set.uri), set.dial, {}, ({ ref }) =>
    restoreInto(ref, sourceOf({ name: "stepped", documents }), {
      onProgress: () => {
        steppingDown ??= stepDown();
      },
    }),
  );
  await steppingDown;
  expect(found(collections[0]?.verdicts)).toEqual({ migrated: documents.length });
  expect(counters.retries).toBeGreaterThan(0);
  const after = await set.primary();
  expect(after).not.toBe(before);
  const calm = await withLink(refTo(set.uri), set.dial, {}, ({ ref }) =>
    restoreInto(ref, sourceOf({ name: "calm", documents })),
  );
  expect(found(calm.collections[0]?.verdicts)).toEqual({ migrated: documents.length });
  const client = await set.admin(await set.primary());
  const hashes = await hashesOf(client.db(database));
  await client.close();
  expect(hashes["stepped"]).toBe(hashes["calm"]);
});
