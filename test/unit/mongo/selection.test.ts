import { join } from "node:path";
import fc from "fast-check";
import { BSON } from "mongodb";
import { describe, expect, it } from "vitest";
import { bsonTypes, type RawValue, rawField } from "../../../src/mongo/bson-walk.ts";
import {
  anyOf,
  describeFilter,
  equals,
  except,
  extractField,
  readSelection,
  textOf,
  writeSelection,
} from "../../../src/mongo/selection.ts";
import { doc, el, oddDocuments, str } from "../../support/raw-bson.ts";
import { tempDir } from "../../support/temp-dir.ts";

const text = (value: string): RawValue => ({ type: bsonTypes.string, bytes: str(value) });

describe("a selection file", () => {
  it("gives back what was written, byte for byte and in order", async () => {
    const path = join(tempDir(), "selection.bson");
    const values = oddDocuments().map((document) => extractField(document, "v")!);
    const filters = values
      .filter(({ type }) => type !== bsonTypes.undefined)
      .map((value) => equals("v", value));
    const selections = [
      { collection: "b", filters },
      { collection: "a", filters: [] },
      { collection: "naïve \n name", filters: [equals("owner", text("jane"))] },
    ];
    await writeSelection(path, selections);
    expect(await readSelection(path)).toEqual(selections);
  });

  it("can be empty", async () => {
    const path = join(tempDir(), "selection.bson");
    await writeSelection(path, []);
    expect(await readSelection(path)).toEqual([]);
  });

  it("is refused if it is cut off at any byte", async () => {
    const path = join(tempDir(), "selection.bson");
    await writeSelection(path, [{ collection: "a", filters: [equals("o", text("x"))] }]);
    const { readFileSync, writeFileSync } = await import("node:fs");
    const whole = readFileSync(path);
    for (let length = 1; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(readSelection(path)).rejects.toMatchObject({ code: "E_INTEGRITY" });
    }
  });
});

describe("filters", () => {
  it("put the raw value under $eq", () => {
    const filter = equals("owner", text("$where"));
    expect(BSON.deserialize(filter)).toEqual({ owner: { $eq: "$where" } });
  });

  it("keep the bytes of values that the driver's own decoding changes", () => {
    for (const document of oddDocuments()) {
      const value = extractField(document, "v")!;
      if (value.type === bsonTypes.undefined) continue;
      const condition = rawField(equals("v", value), "v")!;
      expect(rawField(condition.bytes, "$eq")).toEqual(value);
    }
  });

  it("stay below 8 MiB and lose no value", () => {
    const long = "x".repeat(1_000_000);
    const filters = anyOf(
      "_id",
      Array.from({ length: 20 }, (_, i) => text(`${i}${long}`)),
    );
    expect(filters.length).toBeGreaterThan(1);
    const found = filters.flatMap((filter) => BSON.deserialize(filter)["_id"].$in);
    expect(found).toHaveLength(20);
    for (const filter of filters) expect(filter.length).toBeLessThan(9 * 1024 * 1024);
  });

  it("take a value once, also as a number of another type", () => {
    const values = BSON.serialize({ a: 5, b: new BSON.Long(5), c: new BSON.Double(5), d: 6 });
    const raw = ["a", "b", "c", "d"].map((name) => rawField(Buffer.from(values), name)!);
    const [filter] = anyOf("n", raw);
    expect(BSON.deserialize(filter!)).toEqual({ n: { $in: [5, 6] } });
  });

  it("never make a pattern of a regular expression", () => {
    const regex = rawField(doc(el(0x0b, "v", Buffer.from("a\0i\0"))), "v")!;
    const filters = anyOf("v", [text("b"), regex]).map((filter) => BSON.deserialize(filter));
    expect(filters).toEqual(expect.arrayContaining([{ v: { $eq: /a/i } }]));
  });

  it("leave out what others find", () => {
    const filter = except(equals("owner", text("a")), [equals("group", text("b"))]);
    expect(BSON.deserialize(filter)).toEqual({
      $and: [{ owner: { $eq: "a" } }, { $nor: [{ group: { $eq: "b" } }] }],
    });
  });

  it("are described without their values", () => {
    expect(describeFilter(equals("owner", text("secret")))).toBe("owner");
    const many = anyOf("dataset_id", [text("secret"), text("other")]);
    expect(many.map(describeFilter)).toEqual(["dataset_id (2 values)"]);
  });

  it("refuse undefined, which no query can find", () => {
    expect(() => equals("v", { type: bsonTypes.undefined, bytes: Buffer.alloc(0) })).toThrow(
      /undefined/,
    );
  });
});

it("texts survive", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      const document = doc(el(0x02, "v", str(value)));
      expect(textOf(extractField(document, "v"))).toBe(Buffer.from(value).toString());
    }),
  );
});
