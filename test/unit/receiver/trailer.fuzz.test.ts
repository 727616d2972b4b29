import fc from "fast-check";
import { expect } from "vitest";
import { makeTrailerReader } from "../../../src/receiver/shell/trailer.ts";
import { cutBytesAt, itHolds } from "../../support/fuzz.ts";

const mark = Buffer.from("0123456789abcdef0123456789abcdef");

function read(pieces: readonly Buffer[]) {
  const next = makeTrailerReader(mark);
  const data: Buffer[] = [];
  for (const piece of pieces) {
    const found = next(piece);
    data.push(found.data);
    if (found.exitCode !== undefined)
      return { data: Buffer.concat(data), exitCode: found.exitCode };
  }
  return { data: Buffer.concat(data) };
}

/** Bytes that look like the mark over and over, but do not hold it. */
const said = fc
  .array(
    fc.oneof(
      fc.nat(mark.length - 1).map((length) => mark.subarray(0, length)),
      fc.uint8Array(),
    ),
  )
  .map((parts) => Buffer.concat(parts))
  .filter((bytes) => !Buffer.concat([bytes, mark.subarray(0, -1)]).includes(mark));
const places = fc.array(fc.nat(400));

itHolds("gives all that was said and the exit code, wherever it is cut", 500, () =>
  fc.property(said, fc.nat(255), places, (bytes, exitCode, cuts) => {
    const whole = Buffer.concat([bytes, mark, Buffer.from(` ${exitCode}\n`)]);
    const found = read(cutBytesAt(whole, cuts));
    expect(found.exitCode).toBe(exitCode);
    expect(found.data.subarray(0, bytes.length)).toEqual(bytes);
    // A piece that ended within the first bytes of the mark had to be handed on.
    const more = found.data.subarray(bytes.length);
    expect(more.length).toBeLessThan(8);
    expect(more).toEqual(mark.subarray(0, more.length));
  }),
);

itHolds("keeps back at most what may begin the mark where there is none", 500, () =>
  fc.property(said, places, (bytes, cuts) => {
    const { data, exitCode } = read(cutBytesAt(bytes, cuts));
    expect(exitCode).toBeUndefined();
    expect(data).toEqual(bytes.subarray(0, data.length));
    expect(mark.includes(bytes.subarray(data.length))).toBe(true);
  }),
);
