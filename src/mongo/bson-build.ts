import type { RawElement, RawValue } from "./bson-walk.ts";
import { bsonTypes } from "./bson-walk.ts";

/** A document of these elements, byte by byte. */
export function buildDocument(elements: Iterable<RawElement>): Buffer {
  const all = [...elements];
  const document = Buffer.allocUnsafe(
    all.reduce((length, { key, bytes }) => length + 2 + key.length + bytes.length, 5),
  );
  let at = document.writeInt32LE(document.length);
  for (const { type, key, bytes } of all) {
    at = document.writeUInt8(type, at);
    at += key.copy(document, at);
    at = document.writeUInt8(0, at);
    at += bytes.copy(document, at);
  }
  document.writeUInt8(0, at);
  return document;
}

export function element(name: string, value: RawValue): RawElement {
  return { key: Buffer.from(name), ...value };
}

export function documentValue(document: Buffer): RawValue {
  return { type: bsonTypes.document, bytes: document };
}

/** The document of an `_id` alone. */
export function idDocument(id: RawValue): Buffer {
  return buildDocument([element("_id", id)]);
}

export function stringValue(text: string): RawValue {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeInt32LE(bytes.length + 1);
  return { type: bsonTypes.string, bytes: Buffer.concat([head, bytes, Buffer.of(0)]) };
}

/** An array; written in one go, as it is what thousands of ids are asked for with. */
export function arrayValue(values: readonly RawValue[]): RawValue {
  let length = 5;
  for (const [index, { bytes }] of values.entries()) length += 2 + digits(index) + bytes.length;
  const array = Buffer.allocUnsafe(length);
  let at = array.writeInt32LE(length);
  for (const [index, { type, bytes }] of values.entries()) {
    at = array.writeUInt8(type, at);
    at += array.write(String(index), at, "latin1");
    at = array.writeUInt8(0, at);
    at += bytes.copy(array, at);
  }
  array.writeUInt8(0, at);
  return { type: bsonTypes.array, bytes: array };
}

function digits(index: number): number {
  return index < 10 ? 1 : Math.floor(Math.log10(index)) + 1;
}
