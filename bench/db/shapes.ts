import { BSON, type Document } from "mongodb";
import { type Filler, fixedBytes, makeTemplate } from "./template.ts";

/** One collection of the benchmark's database. */
export interface Shape {
  name: string;
  /** How many documents it has at scale 1. */
  documents: number;
  options: Document;
  indexes: Document[];
  /** Makes the next document into `into` at `offset` and gives its end. */
  write(into: Buffer, offset: number, number: number): number;
  /** The size of every document. */
  bytes: number;
}

const uuidChars = 36;

/** What a large application keeps: many small documents, fewer larger ones, some that are huge. */
export function makeShapes(seed: number): Shape[] {
  return [labels(seed), files(seed + 1), details(seed + 2)];
}

function labels(seed: number): Shape {
  const { text, number, bytes } = fixedBytes();
  const document = {
    _id: text("uuid", uuidChars),
    n: number("n"),
    dataset_id: text("group", uuidChars),
    file_id: text("uuid", uuidChars),
    name: text("word", 12),
    segment_polygons: [[number("small"), number("small"), number("small"), number("small")]],
    bndbox: { xmin: number("small"), ymin: number("small"), xmax: 640, ymax: 480 },
    score: new BSON.Double(5),
    area: new BSON.Long(12_345),
    weight: BSON.Decimal128.fromString("1.50"),
    created_at: new BSON.Timestamp({ t: 1_600_000_000, i: 1 }),
    checksum: new BSON.Binary(bytes("noise", 16)),
  };
  return {
    ...shapeOf("Labels", 1_200_000, makeTemplate(document, seed)),
    options: {},
    indexes: [
      { key: { dataset_id: 1, file_id: 1 }, name: "by_file" },
      { key: { name: 1 }, name: "by_name" },
      { key: { n: 1 }, name: "by_number", unique: true },
    ],
  };
}

function files(seed: number): Shape {
  const { text, number, bytes } = fixedBytes();
  const document = {
    _id: text("uuid", uuidChars),
    n: number("n"),
    dataset_id: text("group", uuidChars),
    original_file_name: text("uuid", uuidChars),
    file_name: text("uuid", uuidChars),
    file_type: text("word", 12),
    expires: null,
    size: new BSON.Long(1_234_567),
    tags: Array.from({ length: 12 }, () => text("word", 12)),
    meta: {
      "10": number("small"),
      "2": number("small"),
      exif: Array.from({ length: 22 }, () => ({ key: text("word", 10), value: number("small") })),
    },
    uploaded_at: new Date(1_600_000_000_000),
    pattern: new BSON.BSONRegExp("^a.*b$", "imx"),
    thumbnail: new BSON.Binary(bytes("noise", 240)),
  };
  return {
    ...shapeOf("Files", 200_000, makeTemplate(document, seed)),
    options: {
      collation: { locale: "en", strength: 2 },
      validator: { n: { $exists: true } },
    },
    indexes: [
      {
        ...{ key: { dataset_id: 1, file_name: 1 }, name: "by_name", unique: true },
        collation: { locale: "simple" },
      },
      {
        ...{ key: { size: 1 }, name: "large" },
        partialFilterExpression: { n: { $gt: 100_000 } },
      },
      {
        ...{ key: { expires_at: 1 }, name: "expiry", expireAfterSeconds: 3600, sparse: true },
      },
    ],
  };
}

function details(seed: number): Shape {
  const { text, number, bytes } = fixedBytes();
  const document = {
    _id: text("uuid", uuidChars),
    n: number("n"),
    frames: Array.from({ length: 1_525 }, () => ({
      label: text("word", 12),
      at: number("small"),
      box: [number("small"), number("small"), 640, 480],
      mask: new BSON.Binary(bytes("noise", 40)),
    })),
  };
  return {
    ...shapeOf("Details", 500, makeTemplate(document, seed)),
    options: {},
    indexes: [],
  };
}

function shapeOf(name: string, documents: number, { bytes, fill }: Filler) {
  return { name, documents, bytes, write: fill };
}
