import fc from "fast-check";
import { expect } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { frameDocuments } from "../../../src/mongo/archive/frame.ts";
import { documentsOf, elementsOf } from "../../../src/mongo/bson-walk.ts";
import { parseMetadata } from "../../../src/mongo/metadata.ts";
import { takeApart } from "../../../src/mongo/restore-candidate.ts";
import { cutBytesAt, itHolds, resultOrError } from "../../support/fuzz.ts";
import { doc, el, i32, oddElements, str } from "../../support/raw-bson.ts";

const id = el(0x02, "_id", str("an id"));
const element = fc.oneof(fc.constantFrom(...Object.values(oddElements)), fc.constant(id));
const document = fc.array(element, { maxLength: 4 }).map((elements) => doc(...elements));
/** A document that is whole by its length and its last byte, and anything within. */
const broken = fc
  .tuple(document, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }))
  .map(([whole, changes]) => {
    const bytes = Buffer.from(whole);
    for (const [at, byte] of changes) {
      if (bytes.length > 5) bytes[4 + (at % (bytes.length - 5))] = byte;
    }
    return bytes;
  });
const documents = fc.array(fc.oneof(document, broken), { maxLength: 6 });
const places = fc.array(fc.nat(1000), { maxLength: 20 });

async function* streamOf(pieces: readonly Buffer[]) {
  yield* pieces;
}

async function framed(pieces: readonly Buffer[]): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for await (const batch of frameDocuments(streamOf(pieces), "e"))
    found.push(...documentsOf(batch));
  return found;
}

itHolds("finds the same documents, wherever the bytes are cut", 200, () =>
  fc.asyncProperty(documents, places, async (wholes, cuts) => {
    expect(await framed(cutBytesAt(Buffer.concat(wholes), cuts))).toEqual(wholes);
  }),
);

itHolds("frames any bytes or names the place where they break, the same wherever cut", 200, () => {
  const parts = fc.array(fc.oneof(document, fc.uint8Array(), fc.integer().map(i32)));
  return fc.asyncProperty(parts, places, async (pieces, cuts) => {
    const bytes = Buffer.concat(pieces);
    const [found, other] = [
      await resultOrError(() => framed([bytes]), ["E_INTEGRITY"]),
      await resultOrError(() => framed(cutBytesAt(bytes, cuts)), ["E_INTEGRITY"]),
    ];
    if (found instanceof MigrationError) expect(other).toMatchObject({ fields: found.fields });
    else expect(Buffer.concat(found)).toEqual(bytes);
  });
});

itHolds("gives elements that make up the document, or E_INTEGRITY", 500, () =>
  fc.asyncProperty(broken, async (bytes) => {
    const found = await resultOrError(() => [...elementsOf(bytes)], ["E_INTEGRITY"]);
    if (found instanceof MigrationError) return;
    const again = found.map(({ type, key, bytes: value }) =>
      Buffer.concat([Buffer.of(type), key, Buffer.of(0), value]),
    );
    expect(doc(...again)).toEqual(bytes);
  }),
);

itHolds("counts each document of a batch once, as usable or not, and changes nothing", 300, () =>
  fc.property(documents, fc.nat(1000), (wholes, first) => {
    const batch = { data: Buffer.concat(wholes), count: wholes.length };
    const { usable, unusable } = takeApart(batch, { first, rules: [] });
    const all = [...usable, ...unusable].sort((one, other) => one.ordinal - other.ordinal);
    expect(all.map(({ ordinal }) => ordinal)).toEqual(wholes.map((_, index) => first + index));
    for (const { ordinal, bytes } of unusable) expect(bytes).toEqual(wholes[ordinal - first]);
    for (const { ordinal, bytes } of usable) {
      expect(bytes.length).toBe(wholes[ordinal - first]?.length);
    }
  }),
);

const key = fc.constantFrom(
  "$oid",
  "$numberLong",
  "$date",
  "$binary",
  "$timestamp",
  "options",
  "indexes",
  "$regularExpression",
  "$uuid",
  "__proto__",
);
const { value: extended } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.jsonValue({ maxDepth: 0 }),
    fc.dictionary(key, tie("value"), { maxKeys: 3 }),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
}));

itHolds("reads any metadata file, or says that it is malformed", 300, () => {
  const text = fc.oneof(
    extended.map((value) => JSON.stringify(value)),
    fc.string(),
  );
  return fc.asyncProperty(text, async (json) => {
    const found = await resultOrError(() => parseMetadata(Buffer.from(json), "c"), ["E_INTEGRITY"]);
    if (!(found instanceof MigrationError)) expect(Array.isArray(found.indexes)).toBe(true);
  });
});
