import { MigrationError } from "../core/errors.ts";

/** The BSON type bytes that this program looks at by name. */
export const bsonTypes = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  dbPointer: 0x0c,
  code: 0x0d,
  symbol: 0x0e,
  codeWithScope: 0x0f,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal128: 0x13,
  maxKey: 0x7f,
  minKey: 0xff,
} as const;

/** Whole documents, one after the other, exactly as the server sent them. */
export interface RawBatch {
  data: Buffer;
  count: number;
}

/** The value of one element, undecoded: its type byte and the bytes after the key. */
export interface RawValue {
  type: number;
  bytes: Buffer;
}

/** One element of a document; `key` has no trailing NUL and may be invalid UTF-8. */
export interface RawElement extends RawValue {
  key: Buffer;
}

/** No document is longer: the server's 16 MiB and the 16 KiB that it allows itself on top. */
export const maxDocumentBytes = 16 * 1024 * 1024 + 16 * 1024;

const leastDocument = 5;

/** The sizes of values that have always the same. */
const fixedSizes: Record<number, number> = {
  [bsonTypes.double]: 8,
  [bsonTypes.undefined]: 0,
  [bsonTypes.objectId]: 12,
  [bsonTypes.boolean]: 1,
  [bsonTypes.date]: 8,
  [bsonTypes.null]: 0,
  [bsonTypes.int32]: 4,
  [bsonTypes.timestamp]: 8,
  [bsonTypes.int64]: 8,
  [bsonTypes.decimal128]: 16,
  [bsonTypes.maxKey]: 0,
  [bsonTypes.minKey]: 0,
};

/** The types whose value begins with a length, and what that length does not count. */
const prefixedSizes: Record<number, { extra: number; least: number }> = {
  [bsonTypes.string]: { extra: 4, least: 1 },
  [bsonTypes.document]: { extra: 0, least: leastDocument },
  [bsonTypes.array]: { extra: 0, least: leastDocument },
  [bsonTypes.binary]: { extra: 5, least: 0 },
  [bsonTypes.dbPointer]: { extra: 16, least: 1 },
  [bsonTypes.code]: { extra: 4, least: 1 },
  [bsonTypes.symbol]: { extra: 4, least: 1 },
  [bsonTypes.codeWithScope]: { extra: 0, least: 14 },
};

/** The documents of a batch, each as a view on its bytes. */
export function* documentsOf({ data }: RawBatch): Generator<Buffer> {
  let offset = 0;
  while (offset < data.length) {
    const length = documentLength(data, offset);
    yield data.subarray(offset, offset + length);
    offset += length;
  }
}

/** The length of the whole document that starts at `offset`; E_INTEGRITY if there is none. */
export function documentLength(data: Buffer, offset = 0): number {
  if (offset + 4 > data.length) throw broken("A document ends within its length", offset);
  const length = data.readInt32LE(offset);
  if (length < leastDocument || length > maxDocumentBytes) {
    throw broken(`A document claims a length of ${length} bytes`, offset);
  }
  if (offset + length > data.length) throw broken("A document is cut off", offset);
  if (data[offset + length - 1] !== 0) throw broken("A document does not end with a zero", offset);
  return length;
}

/** The elements of one document, undecoded; nested documents are not entered. */
export function* elementsOf(document: Buffer): Generator<RawElement> {
  const end = documentLength(document) - 1;
  let offset = 4;
  while (offset < end) {
    const type = document[offset] ?? 0;
    const keyEnd = document.indexOf(0, offset + 1);
    if (keyEnd === -1 || keyEnd >= end) throw broken("A field name does not end", offset);
    const start = keyEnd + 1;
    const size = elementSize(type, document, start);
    if (start + size > end) throw broken("A field is longer than its document", offset);
    const key = document.subarray(offset + 1, keyEnd);
    yield { type, key, bytes: document.subarray(start, start + size) };
    offset = start + size;
  }
  if (offset !== end) throw broken("The last field is longer than its document", offset);
}

/** The number of bytes that a value of `type` has that starts at `offset`. */
function elementSize(type: number, data: Buffer, offset: number): number {
  const fixed = fixedSizes[type];
  if (fixed !== undefined) return fixed;
  if (type === bsonTypes.regex) return regexSize(data, offset);
  const prefixed = prefixedSizes[type];
  if (prefixed === undefined) throw broken(`A field has the unknown type ${type}`, offset);
  if (offset + 4 > data.length) throw broken("A field is cut off", offset);
  const length = data.readInt32LE(offset);
  if (length < prefixed.least) throw broken(`A field claims a length of ${length} bytes`, offset);
  return length + prefixed.extra;
}

/** The first top-level field of this name, or undefined. */
export function rawField(document: Buffer, name: string): RawValue | undefined {
  const wanted = Buffer.from(name);
  for (const { type, key, bytes } of elementsOf(document)) {
    if (key.equals(wanted)) return { type, bytes };
  }
  return undefined;
}

/** The `_id` as one type byte and the value's bytes; E_INTEGRITY if the document has none. */
export function rawId(document: Buffer): Buffer {
  const id = leadingId(document) ?? rawField(document, "_id");
  if (id === undefined) throw broken("A document has no _id", 0);
  return packValue(id);
}

/** The `_id` where it comes first, as servers put it; found without a walk over the elements. */
export function leadingId(document: Buffer): RawValue | undefined {
  // "_id" and its NUL, as a little-endian number.
  if (document.length < 10 || document.readUInt32LE(5) !== 0x0064695f) return undefined;
  const type = document[4] ?? 0;
  const end = 9 + elementSize(type, document, 9);
  if (end >= document.length) throw broken("A field is longer than its document", 4);
  return { type, bytes: document.subarray(9, end) };
}

/** A value as one type byte and its bytes: the form in which ids travel. */
export function packValue(value: RawValue): Buffer {
  const packed = Buffer.allocUnsafe(1 + value.bytes.length);
  packed[0] = value.type;
  value.bytes.copy(packed, 1);
  return packed;
}

/** The reverse of `packValue`. */
export function unpackValue(packed: Buffer): RawValue {
  return { type: packed[0] ?? 0, bytes: packed.subarray(1) };
}

function regexSize(data: Buffer, offset: number): number {
  const patternEnd = data.indexOf(0, offset);
  const optionsEnd = patternEnd === -1 ? -1 : data.indexOf(0, patternEnd + 1);
  if (optionsEnd === -1) throw broken("A regular expression does not end", offset);
  return optionsEnd + 1 - offset;
}

function broken(what: string, offset: number): MigrationError {
  return new MigrationError("E_INTEGRITY", `${what}, at byte ${offset}`, {
    hint: "Make the backup again; if that gives the same, check the source with validate",
    fields: { offset },
  });
}
