import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { encodeRecord, readRecord } from "../../../src/receiver/records.ts";
import { cutBytesAt, itHolds, resultOrError } from "../../support/fuzz.ts";

const places = fc.array(fc.nat(500));

function streamOf(pieces: readonly Buffer[]): PassThrough {
  const stream = new PassThrough();
  for (const piece of pieces) stream.write(piece);
  stream.end();
  return stream;
}

itHolds("gives every record, and then the end, wherever the bytes are cut", 200, () =>
  fc.asyncProperty(fc.array(fc.jsonValue()), places, async (values, cuts) => {
    const stream = streamOf(cutBytesAt(Buffer.concat(values.map(encodeRecord)), cuts));
    for (const value of values) {
      expect(await readRecord(stream)).toEqual(JSON.parse(JSON.stringify(value)));
    }
    expect(await readRecord(stream)).toBeUndefined();
  }),
);

itHolds("refuses bytes that are no record, and never waits for what cannot come", 200, () => {
  const record = fc.jsonValue().map(encodeRecord);
  const parts = fc.array(fc.oneof(record, fc.uint8Array(), fc.constant(Buffer.alloc(4))));
  return fc.asyncProperty(parts, places, async (bytes, cuts) => {
    const stream = streamOf(cutBytesAt(Buffer.concat(bytes), cuts));
    for (let found: unknown = null; found !== undefined; ) {
      found = await resultOrError(() => readRecord(stream), ["E_REFUSED", "E_UNAVAILABLE"]);
      if (found instanceof MigrationError) return;
    }
  });
});
