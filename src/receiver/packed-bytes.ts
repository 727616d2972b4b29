import { MigrationError } from "../core/errors.ts";

/** Values behind each other, in a buffer that grows. */
export interface Bytes {
  byte(value: number): void;
  /** An integer that a number holds exactly, not below zero. */
  number(value: number): void;
  long(value: bigint): void;
  bytes(value: Buffer): void;
  text(value: string): void;
  packed(): Buffer;
}

export function makeBytes(): Bytes {
  let buffer = Buffer.allocUnsafe(64 * 1024);
  let length = 0;
  /** Where so many bytes go. */
  function take(count: number): number {
    if (length + count > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * buffer.length, length + count));
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
    length += count;
    return length - count;
  }
  function bytes(value: Buffer) {
    const at = take(4 + value.length);
    buffer.writeUInt32LE(value.length, at);
    value.copy(buffer, at + 4);
  }
  return {
    byte(value) {
      const at = take(1);
      buffer.writeUInt8(value, at);
    },
    number(value) {
      const at = take(8);
      buffer.writeDoubleLE(value, at);
    },
    long(value) {
      const at = take(8);
      buffer.writeBigInt64LE(value, at);
    },
    bytes,
    text: (value) => bytes(Buffer.from(value)),
    packed: () => buffer.subarray(0, length),
  };
}

/** Reads what `makeBytes` wrote, and throws E_REFUSED where it cannot have. */
export function readBytes(buffer: Buffer) {
  let read = 0;
  function take(count: number): number {
    if (read + count > buffer.length) throw refused("it ends too early");
    read += count;
    return read - count;
  }
  function number(): number {
    const value = buffer.readDoubleLE(take(8));
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw refused("a count is none");
  }
  function bytes(): Buffer {
    const length = buffer.readUInt32LE(take(4));
    const at = take(length);
    return buffer.subarray(at, at + length);
  }
  return {
    byte: () => buffer.readUInt8(take(1)),
    number,
    long: () => buffer.readBigInt64LE(take(8)),
    bytes,
    text: () => bytes().toString(),
    end() {
      if (read !== buffer.length) throw refused("it goes on");
    },
  };
}

function refused(why: string): MigrationError {
  return new MigrationError("E_REFUSED", `What the other end packed is malformed: ${why}`);
}
