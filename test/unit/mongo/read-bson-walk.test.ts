import { BSON } from "mongodb";
import { describe, expect, it } from "vitest";
import { documentsOf, elementsOf, rawField, rawId } from "../../../src/mongo/bson-walk.ts";
import { RawDocument } from "../../../src/mongo/raw-document.ts";
import { compact, parseCursor } from "../../../src/mongo/read-reply.ts";
import { doc, el, i32, i64, oddDocuments, oddElements, str } from "../../support/raw-bson.ts";

describe("walking raw BSON", () => {
  it.each(Object.entries(oddElements))("finds the bytes of %s", (_, element) => {
    const document = doc(el(0x10, "before", i32(1)), element, el(0x10, "after", i32(2)));
    const value = rawField(document, "v")!;
    expect(Buffer.concat([Buffer.of(value.type), Buffer.from("v\0"), value.bytes])).toEqual(
      element,
    );
    expect(rawField(document, "after")?.bytes).toEqual(i32(2));
  });

  it("splits a batch into its documents", () => {
    const documents = oddDocuments();
    const batch = { data: Buffer.concat(documents), count: documents.length };
    expect([...documentsOf(batch)]).toEqual(documents);
  });

  it("gives ids of different types different bytes", () => {
    const ids = [el(0x10, "_id", i32(5)), el(0x12, "_id", i64(5n)), el(0x02, "_id", str("5"))];
    const packed = ids.map((id) => rawId(doc(id)).toString("hex"));
    expect(new Set(packed).size).toBe(3);
  });

  it("refuses a document without _id", () => {
    expect(() => rawId(doc())).toThrow(/no _id/);
  });

  it("never reads past the end, whatever byte is changed", () => {
    for (const document of oddDocuments()) {
      for (let at = 0; at < document.length; at++) expectBounded(document, at);
    }
  });
});

function expectBounded(document: Buffer, at: number) {
  for (const value of [0x00, 0x7f, 0xff]) {
    const changed = Buffer.from(document);
    changed[at] = value;
    try {
      for (const { bytes } of elementsOf(changed)) expect(bytes.length).toBeLessThan(1000);
    } catch (error) {
      expect(error).toMatchObject({ code: "E_INTEGRITY" });
    }
  }
}

describe("a cursor's reply", () => {
  it("is taken apart without changing a document", () => {
    const documents = oddDocuments();
    const array = doc(...documents.map((document, index) => el(0x03, String(index), document)));
    const cursor = doc(
      el(0x04, "firstBatch", array),
      el(0x08, "partialResultsReturned", Buffer.of(0)),
      el(0x12, "id", i64(-5n)),
      el(0x02, "ns", str("db.a.b")),
    );
    expect(parseCursor(cursor)).toEqual({
      id: -5n,
      collection: "a.b",
      batch: { data: Buffer.concat(documents), count: documents.length },
    });
  });

  it("can be empty", () => {
    expect(compact(doc())).toEqual({ data: Buffer.alloc(0), count: 0 });
  });
});

describe("a raw document in a command", () => {
  it.each(Object.entries(oddElements))("carries %s byte for byte", (_, element) => {
    const document = doc(element);
    const command = { find: "c", filter: new RawDocument("filter", document), limit: 1 };
    const sent = Buffer.from(BSON.serialize(command));
    const filter = { type: 0x03, bytes: document };
    expect(rawField(sent, "filter")).toEqual(filter);
    expect(rawField(sent, "limit")?.bytes).toEqual(i32(1));
    const nested = BSON.serialize({ pipeline: [{ $match: new RawDocument("$match", document) }] });
    const pipeline = rawField(Buffer.from(nested), "pipeline")!;
    expect(rawField(rawField(pipeline.bytes, "0")!.bytes, "$match")).toEqual(filter);
  });
});
