import { BSON } from "mongodb";
import { describe, expect, it } from "vitest";
import {
  decodeExact,
  encodeExact,
  escapeCollectionName,
  metadataJson,
  parseMetadata,
  unescapeCollectionName,
} from "../../../src/mongo/metadata.ts";

describe("collection names as files", () => {
  it.each([
    ["DataSets", "DataSets"],
    ["with space", "with+space"],
    ["a/b%c+d", "a%2Fb%25c%2Bd"],
    ["naïve", "na%C3%AFve"],
    ["(it's*!)~-_.", "%28it%27s%2A%21%29~-_."],
  ])("%s becomes %s and back", (name, file) => {
    expect(escapeCollectionName(name)).toBe(file);
    expect(unescapeCollectionName(file)).toBe(name);
  });

  it("are cut to 238 bytes with a hash of the whole", () => {
    const file = escapeCollectionName("é".repeat(100));
    expect(file).toHaveLength(238);
    expect(file).toMatch(/^(%C3%A9)+.*%24[\w-]{27}$/);
    expect(escapeCollectionName(`${"é".repeat(99)}x`)).not.toBe(file);
  });

  it("that are no valid escapes are none", () => {
    expect(unescapeCollectionName("%zz")).toBeUndefined();
  });
});

describe("metadata", () => {
  const options = {
    capped: true,
    size: new BSON.Long(4096),
    validator: { $expr: { $eq: ["$a", new BSON.Double(5)] } },
  };
  const indexes = [{ v: new BSON.Int32(2), key: { a: new BSON.Double(-1) }, name: "a_-1" }];

  it("is canonical extended JSON and is read back", () => {
    const json = metadataJson({
      options,
      indexes,
      uuid: "ab",
      collectionName: "c",
      type: "collection",
    });
    expect(JSON.parse(json.toString())).toMatchObject({
      options: { size: { $numberLong: "4096" } },
      indexes: [{ key: { a: { $numberDouble: "-1.0" } } }],
      uuid: "ab",
      collectionName: "c",
    });
    expect(parseMetadata(json, "c").options["size"]).toEqual(new BSON.Long(4096));
  });

  it("keeps every type in its exact form", () => {
    const again = decodeExact(encodeExact({ options, indexes }), "c");
    expect(again).toEqual({ options: { ...options, capped: true }, indexes });
  });

  it("that is damaged is refused", () => {
    expect(() => parseMetadata(Buffer.from("{"), "c")).toThrow(/metadata of "c" is malformed/);
    expect(() => parseMetadata(Buffer.from("[]"), "c")).toThrow(/malformed/);
  });

  it("of an older dump tells the type by its options", () => {
    expect(parseMetadata(Buffer.from('{"options":{"viewOn":"x"},"indexes":[]}'), "v").type).toBe(
      "view",
    );
  });
});
