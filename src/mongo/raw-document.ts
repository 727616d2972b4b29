import { ObjectId } from "mongodb";
import { MigrationError } from "../core/errors.ts";
import { bsonTypes } from "./bson-walk.ts";

/**
 * A sub-document of a command that reaches the server byte for byte. The driver has no such thing,
 * and decoding a query to encode it again changes what JavaScript cannot hold (dates far away,
 * integer-like keys out of order, invalid UTF-8). The encoder lets a value of the type ObjectId
 * write its own bytes; this one writes a document and corrects the type byte before its key.
 * A test pins this to the driver's version.
 */
export class RawDocument extends ObjectId {
  readonly #key: string;
  readonly #document: Buffer;

  constructor(key: string, document: Buffer) {
    super("000000000000000000000000");
    this.#key = key;
    this.#document = document;
  }

  /** Called by the encoder with its buffer, right behind the key. */
  serializeInto(target: Uint8Array, index: number): number {
    const typeAt = index - Buffer.byteLength(this.#key) - 2;
    if (target[typeAt] !== bsonTypes.objectId) {
      throw new MigrationError("E_UNEXPECTED", "The BSON encoder does not work as expected");
    }
    target[typeAt] = bsonTypes.document;
    target.set(this.#document, index);
    return this.#document.length;
  }
}
