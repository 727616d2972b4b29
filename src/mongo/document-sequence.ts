import { createRequire } from "node:module";
import { BSON } from "mongodb";

/** Makes the driver send bytes as they are, as an array argument of a command. */
export interface RawSequences {
  /** A value for `field` of a command: whole BSON documents, one after the other. The driver takes
   * it out of the command when it sends it: make a new command for each attempt. */
  make(field: string, documents: Buffer): unknown;
}

interface Sequence {
  push(document: unknown, bytes: Buffer): number;
}

interface Internals {
  DocumentSequence: new (field: string) => Sequence;
  OpMsgRequest: new (
    database: string,
    command: object,
    options: object,
  ) => { toBin(): Uint8Array[] };
}

/**
 * The driver has no public way to send raw BSON; this uses the class of its own bulk writes.
 * Undefined where that class is missing or no longer sends what it is given, so that the caller
 * can fall back to typed inserts and say that they are not lossless.
 */
export function loadRawSequences(): RawSequences | undefined {
  const internals = loadInternals();
  if (internals === undefined) return undefined;
  const sequences: RawSequences = {
    make(field, documents) {
      const sequence = new internals.DocumentSequence(field);
      sequence.push(null, documents);
      return sequence;
    },
  };
  return passesSelfTest(internals, sequences) ? sequences : undefined;
}

function loadInternals(): Internals | undefined {
  try {
    const found: unknown = createRequire(import.meta.url)("mongodb/lib/cmap/commands.js");
    return isInternals(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function isInternals(found: unknown): found is Internals {
  if (typeof found !== "object" || found === null) return false;
  if (!("DocumentSequence" in found) || !("OpMsgRequest" in found)) return false;
  return typeof found.DocumentSequence === "function" && typeof found.OpMsgRequest === "function";
}

/** Two documents that a decoded round trip changes must stand in the message unchanged. */
function passesSelfTest(internals: Internals, sequences: RawSequences): boolean {
  try {
    const bytes = Buffer.concat([
      BSON.serialize({ _id: new BSON.Double(5), n: BSON.Long.fromNumber(5) }),
      oddDocument(),
    ]);
    const command = { insert: "c", documents: sequences.make("documents", bytes) };
    const message = Buffer.concat(new internals.OpMsgRequest("d", command, {}).toBin());
    return message.subarray(message.length - sectionLength(bytes)).equals(section(bytes));
  } catch {
    return false;
  }
}

/** `{a: 1, a: 2}`: a repeated field, which no JavaScript object can hold. */
function oddDocument(): Buffer {
  const element = (value: number) => [0x10, 0x61, 0, value, 0, 0, 0];
  return Buffer.from([19, 0, 0, 0, ...element(1), ...element(2), 0]);
}

/** A section of kind 1 as the wire protocol has it: kind, length, field name, documents. */
function section(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeInt32LE(sectionLength(bytes) - 1, 1);
  return Buffer.concat([head, Buffer.from("documents\0"), bytes]);
}

function sectionLength(bytes: Buffer): number {
  return 1 + 4 + "documents\0".length + bytes.length;
}
