/**
 * The length-delimited fields of a Protocol Buffers message by their number; all that a release of
 * Helm 2 needs. Undefined where the bytes are none.
 */
export function protobufFields(bytes: Buffer): Map<number, Buffer[]> | undefined {
  const fields = new Map<number, Buffer[]>();
  let at = 0;
  function varint(): number {
    let value = 0;
    for (let shift = 0; shift < 56; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) return Number.NaN;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  }
  while (at < bytes.length) {
    const key = varint();
    const kind = key % 8;
    const length = kind === 2 ? varint() : (fixedLengths[kind] ?? Number.NaN);
    if (kind === 0) varint();
    else if (Number.isNaN(key) || !(at + length <= bytes.length)) return undefined;
    if (kind === 2) {
      const number = (key - kind) / 8;
      fields.set(number, [...(fields.get(number) ?? []), bytes.subarray(at, at + length)]);
    }
    at += kind === 0 ? 0 : length;
  }
  return fields;
}

const fixedLengths: Record<number, number> = { 0: 0, 1: 8, 5: 4 };
