import { Double, Int32 } from "mongodb";
import { describe, expect, it } from "vitest";
import { differencesOf } from "../../../src/mongo/prepare-collection-differences.ts";
import { creatableIndex, isIdIndex } from "../../../src/mongo/prepare-collection-indexes.ts";
import { creatableOptions } from "../../../src/mongo/prepare-collection-options.ts";

const spec = (options: object) => ({ name: "c", type: "collection" as const, options });

describe("creatableIndex", () => {
  it.each([
    [{ a: true }, [["a", 1]]],
    [{ a: 0 }, [["a", 1]]],
    [{ a: "" }, [["a", 1]]],
    [
      { a: -1, b: "2dsphere" },
      [
        ["a", -1],
        ["b", "2dsphere"],
      ],
    ],
  ])("makes a key of today out of %j", (key, expected) => {
    const { key: made } = creatableIndex({ v: 1, ns: "d.c", background: true, key, name: "i" });
    expect([...made]).toEqual(expected);
  });

  it("leaves out what only the server that made it knows", () => {
    const collation = { locale: "fr", version: "57.1" };
    const index = creatableIndex({ v: 2, ns: "d.c", key: { a: 1 }, name: "i", collation });
    expect(Object.keys(index).sort()).toEqual(["collation", "key", "name"]);
    expect(index["collation"]).toEqual({ locale: "fr" });
  });

  it("knows the index on _id by its name and key", () => {
    expect(isIdIndex({ name: "_id_", key: { _id: 1 } })).toBe(true);
    expect(isIdIndex({ name: "h", key: { _id: "hashed" } })).toBe(false);
    expect(isIdIndex({ name: "i", key: { _id: 1, a: 1 } })).toBe(false);
  });
});

describe("creatableOptions", () => {
  it("drops what servers no longer take, and says so", () => {
    const { options, dropped } = creatableOptions(
      spec({ capped: true, size: 10, flags: 1, autoIndexId: true, idIndex: {}, uuid: 1 }),
    );
    expect(options).toEqual({ capped: true, size: 10 });
    expect(dropped).toEqual(["flags", "autoIndexId"]);
  });
});

describe("differencesOf", () => {
  it("does not see a difference in numbers' types, the order of attributes or versions", () => {
    const source = {
      spec: spec({ collation: { locale: "fr", version: "57.1" } }),
      indexes: [{ v: 1, key: { a: new Double(1) }, name: "i", unique: true, sparse: true }],
    };
    const destination = {
      spec: spec({ collation: { locale: "fr", version: "153.80" } }),
      indexes: [{ v: 2, key: { a: new Int32(1) }, name: "i", sparse: true, unique: true }],
    };
    expect(differencesOf(source, destination)).toEqual([]);
  });

  it("sees another order of an index's fields", () => {
    const side = (key: object) => ({ spec: spec({}), indexes: [{ key, name: "i" }] });
    const found = differencesOf(side({ a: 1, b: 1 }), side({ b: 1, a: 1 }));
    expect(found).toMatchObject([{ what: "index", name: "i", note: "differs" }]);
  });

  it("sees another type and nothing beside it", () => {
    const source = { spec: spec({}), indexes: [] };
    const view = { spec: { ...spec({ viewOn: "x" }), type: "view" as const }, indexes: [] };
    expect(differencesOf(source, view)).toMatchObject([{ what: "type", note: "differs" }]);
  });
});
