import type { RawElement, RawValue } from "./bson-walk.ts";
import { bsonTypes } from "./bson-walk.ts";

/** A document of these elements, byte by byte. */
export function buildDocument(elements: Iterable<RawElement>): Buffer {
  const parts: Buffer[] = [];
  let length = 5;
  for (const { type, key, bytes } of elements) {
    parts.push(Buffer.of(type), key, Buffer.of(0), bytes);
    length += 2 + key.length + bytes.length;
  }
  const head = Buffer.alloc(4);
  head.writeInt32LE(length);
  return Buffer.concat([head, ...parts, Buffer.of(0)], length);
}

export function element(name: string, value: RawValue): RawElement {
  return { key: Buffer.from(name), ...value };
}

export function documentValue(document: Buffer): RawValue {
  return { type: bsonTypes.document, bytes: document };
}

export function stringValue(text: string): RawValue {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeInt32LE(bytes.length + 1);
  return { type: bsonTypes.string, bytes: Buffer.concat([head, bytes, Buffer.of(0)]) };
}

export function arrayValue(values: readonly RawValue[]): RawValue {
  const elements = values.map((value, index) => element(String(index), value));
  return { type: bsonTypes.array, bytes: buildDocument(elements) };
}
