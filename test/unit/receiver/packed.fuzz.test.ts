import fc from "fast-check";
import { expect } from "vitest";
import type { Look } from "../../../src/files/folder-chain.ts";
import {
  packHashes,
  packLooks,
  packPaths,
  unpackHashes,
  unpackLooks,
  unpackPaths,
} from "../../../src/receiver/packed.ts";
import { itHolds, resultOrError } from "../../support/fuzz.ts";

const bytes = fc.uint8Array().map((some) => Buffer.from(some));
const path = bytes.map((some) => Buffer.from(some.filter((byte) => byte !== 0)));
const count = fc.maxSafeNat();
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const entry = fc.record(
  {
    ...{ type: fc.constantFrom("f", "d", "l", "p", "s", "c", "b"), size: count, allocated: count },
    ...{ mtimeNs: long, ctimeNs: long, mode: count, uid: count, gid: count, dev: long, ino: long },
    ...{ nlink: count, target: bytes, unreadable: fc.string() },
  },
  {
    requiredKeys: [
      "type",
      "size",
      "allocated",
      "mtimeNs",
      "ctimeNs",
      "mode",
      "uid",
      "gid",
      "dev",
      "ino",
      "nlink",
    ],
  },
);
const look = fc.oneof(
  fc.constant({ state: "absent" } as const),
  fc.record({ state: fc.constant("blocked" as const), reason: fc.string() }),
  fc.record({ state: fc.constant("here" as const), entry }),
);

itHolds("gives every look back with the path that was asked for", 300, () =>
  fc.property(fc.array(fc.tuple(path, look)), (asked) => {
    const paths = unpackPaths(packPaths(asked.map(([one]) => one)));
    const looks = asked.map(([one, found]) =>
      found.state === "here" ? { ...found, entry: { path: one, ...found.entry } } : found,
    ) as Look[];
    expect(unpackLooks(packLooks(looks), paths)).toEqual(looks);
  }),
);

itHolds("gives every hash back, or why there is none", 100, () =>
  fc.property(fc.array(fc.oneof(bytes, fc.string())), (hashes) => {
    expect(unpackHashes(packHashes(hashes), hashes.length)).toEqual(hashes);
  }),
);

itHolds("refuses what was not packed so, and never reads beyond it", 300, () =>
  fc.asyncProperty(bytes, fc.nat(20), async (packed, asked) => {
    const paths = Array.from({ length: asked }, () => Buffer.from("a"));
    await resultOrError(async () => unpackLooks(packed, paths), ["E_REFUSED"]);
    await resultOrError(async () => unpackHashes(packed, asked), ["E_REFUSED"]);
    await resultOrError(async () => unpackPaths(packed), ["E_REFUSED"]);
  }),
);
