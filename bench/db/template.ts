import { BSON, type Document } from "mongodb";

/** How the bytes of a place in a document are made. */
type Kind = "uuid" | "group" | "word" | "noise" | "n" | "small";

interface Slot {
  kind: Kind;
  at: number;
  length: number;
}

/** Makes documents of one layout, all of the same size. */
export interface Filler {
  bytes: number;
  /** Writes the document of this number and gives where it ends. */
  fill(into: Buffer, offset: number, number: number): number;
}

const marker = "\u0001";
const markers: Record<Kind, string> = {
  ...{ uuid: "u", group: "g", word: "w", noise: "x", n: "n", small: "s" },
};

/** Places to be filled, to build a template's document of. */
export function fixedBytes() {
  return {
    text: (kind: "uuid" | "group" | "word", length: number) => placeholder(kind, length),
    bytes: (kind: "noise", length: number) => Buffer.from(placeholder(kind, length), "latin1"),
    /** An int32 of which every byte is a marker's. */
    number: (kind: "n" | "small") =>
      new BSON.Int32(Buffer.from(placeholder(kind, 4)).readInt32LE()),
  };
}

function placeholder(kind: Kind, length: number): string {
  return `${marker}${markers[kind]}`.padEnd(length, marker);
}

/**
 * Encodes a document once and fills its places for each further one: a hundred times as fast as
 * encoding all of them. The same seed makes the same documents.
 */
export function makeTemplate(document: Document, seed: number): Filler {
  const layout = Buffer.from(BSON.serialize(document, { ignoreUndefined: false }));
  const slots = findSlots(layout);
  const random = randomNumbers(seed);
  return {
    bytes: layout.length,
    fill(into, offset, number) {
      layout.copy(into, offset);
      const content = { number, random };
      for (const { kind, at, length } of slots) fillers[kind](into, offset + at, length, content);
      return offset + layout.length;
    },
  };
}

function findSlots(layout: Buffer): Slot[] {
  const slots: Slot[] = [];
  for (let at = layout.indexOf(marker); at !== -1; ) {
    const kind = kindOf(layout[at + 1] ?? 0);
    let end = at + 2;
    while (kind !== undefined && layout[end] === 1) end += 1;
    if (kind !== undefined && end - at >= 4) slots.push({ kind, at, length: end - at });
    at = layout.indexOf(marker, end);
  }
  return slots;
}

function kindOf(byte: number): Kind | undefined {
  return (Object.keys(markers) as Kind[]).find((kind) => markers[kind].charCodeAt(0) === byte);
}

/** What the places of one document are filled from. */
interface Content {
  number: number;
  /** 24 bits. */
  random: () => number;
}

const groups = 500;
const words = ["scratch", "dent", "missing bolt", "corrosion", "leak", "ok", "unknown", "crack"];

type Fill = (into: Buffer, at: number, length: number, content: Content) => void;

const fillers: Record<Kind, Fill> = {
  uuid(into, at, length, { random }) {
    for (let end = at; end < at + length; end += 6) {
      const bits = random();
      for (let digit = 0; digit < 6; digit += 1) into[end + digit] = hexDigit(bits >>> (digit * 4));
    }
    for (const dash of dashes) into[at + dash] = 0x2d;
  },
  group(into, at, length, { random }) {
    into.write((random() % groups).toString(16).padStart(length, "0"), at, length, "latin1");
  },
  word(into, at, length, { random }) {
    into.write(
      (words[random() & 7] ?? "").padEnd(length, " ").slice(0, length),
      at,
      length,
      "latin1",
    );
  },
  noise(into, at, length, { random }) {
    for (let end = at; end < at + length; end += 1) into[end] = random();
  },
  n: (into, at, _, { number }) => void into.writeInt32LE(number, at),
  small: (into, at, _, { random }) => void into.writeInt32LE(random() % 2000, at),
};

const dashes = [8, 13, 18, 23];

function hexDigit(bits: number): number {
  const value = bits & 15;
  return value < 10 ? 0x30 + value : 0x57 + value;
}

/** Xorshift: fast, and the same on every machine; its upper bits are the better ones. */
function randomNumbers(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) & 0xff_ff_ff;
  };
}
