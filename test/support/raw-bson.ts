import { createRequire } from "node:module";
import type { Db, Document } from "mongodb";

const { DocumentSequence } = createRequire(import.meta.url)("mongodb/lib/cmap/commands.js");

/** A whole document of elements that `el` made. */
export function doc(...elements: Buffer[]): Buffer {
  const body = Buffer.concat(elements);
  return Buffer.concat([i32(body.length + 5), body, Buffer.of(0)]);
}

export function el(type: number, key: string | Buffer, value: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.of(type), cstring(key), value]);
}

export function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function i64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

export function f64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function cstring(value: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(value as string), Buffer.of(0)]);
}

export function str(value: string | Buffer): Buffer {
  const bytes = cstring(value);
  return Buffer.concat([i32(bytes.length), bytes]);
}

export function bin(subtype: number, data: Buffer): Buffer {
  return Buffer.concat([i32(data.length), Buffer.of(subtype), data]);
}

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const oid = hex("0123456789abcdef01234567");
const scope = Buffer.concat([str("f"), doc(el(0x01, "x", f64(1)))]);

/** One value of every BSON type and of every kind that a careless tool changes. */
export const oddElements: Record<string, Buffer> = {
  "double 5.0": el(0x01, "v", f64(5)),
  "negative zero": el(0x01, "v", f64(-0)),
  "NaN with a payload": el(0x01, "v", hex("010000000000f8ff")),
  "invalid UTF-8": el(0x02, "v", str(hex("ff fe 61"))),
  "NUL in a string": el(0x02, "v", str("a\0b")),
  "integer-like keys": el(
    0x03,
    "v",
    doc(el(0x10, "10", i32(1)), el(0x10, "2", i32(2)), el(0x10, "b", i32(3))),
  ),
  "duplicate keys": el(0x03, "v", doc(el(0x10, "a", i32(1)), el(0x10, "a", i32(2)))),
  "empty key": el(0x03, "v", doc(el(0x10, "", i32(1)))),
  "invalid UTF-8 key": el(0x03, "v", doc(el(0x10, hex("ff61"), i32(1)))),
  "__proto__ key": el(0x03, "v", doc(el(0x10, "__proto__", i32(1)))),
  "_bsontype key": el(0x03, "v", doc(el(0x02, "_bsontype", str("ObjectId")))),
  "like extended JSON": el(0x03, "v", doc(el(0x02, "$numberLong", str("5")))),
  "odd array indexes": el(0x04, "v", doc(el(0x10, "0", i32(1)), el(0x10, "5", i32(2)))),
  "binary 2": el(0x05, "v", bin(2, Buffer.concat([i32(3), Buffer.from("abc")]))),
  "short binary 4": el(0x05, "v", bin(4, Buffer.from("abc"))),
  "binary 128": el(0x05, "v", bin(128, Buffer.alloc(0))),
  undefined: el(0x06, "v"),
  "object id": el(0x07, "v", oid),
  boolean: el(0x08, "v", Buffer.of(1)),
  "date far away": el(0x09, "v", i64(9223372036854775807n)),
  null: el(0x0a, "v"),
  "regex with x and l": el(0x0b, "v", Buffer.concat([cstring("(?i)a(?<!b)/"), cstring("lx")])),
  "db pointer": el(0x0c, "v", Buffer.concat([str("db.c"), oid])),
  code: el(0x0d, "v", str("function(){}")),
  symbol: el(0x0e, "v", str("sym")),
  "code with scope": el(0x0f, "v", Buffer.concat([i32(scope.length + 4), scope])),
  "int32 5": el(0x10, "v", i32(5)),
  "nested zero timestamp": el(0x03, "v", doc(el(0x11, "t", Buffer.alloc(8)))),
  "int64 5": el(0x12, "v", i64(5n)),
  "int64 above 2^53": el(0x12, "v", i64(9007199254740993n)),
  "decimal not canonical": el(0x13, "v", hex("ffffffffffffffffffffffffffffff6f")),
  "min key": el(0xff, "v"),
  "max key": el(0x7f, "v"),
};

/** The odd elements as documents, whose `_id` says what is odd. */
export function oddDocuments(): Buffer[] {
  return Object.entries(oddElements).map(([name, element]) =>
    doc(el(0x02, "_id", str(name)), element),
  );
}

/** Inserts whole documents byte for byte, in the order given. */
export async function insertRaw(db: Db, collection: string, documents: Buffer, more?: Document) {
  const sequence = new DocumentSequence("documents");
  sequence.push(null, documents);
  const reply = await db.command({ insert: collection, documents: sequence, ...more });
  if (reply["writeErrors"]) throw new Error(JSON.stringify(reply["writeErrors"][0]));
}
