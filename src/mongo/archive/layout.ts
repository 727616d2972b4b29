/**
 * The bytes of a zip file around its entries' data: every entry with zip64 fields, names in UTF-8,
 * sizes and CRC-32 in front of the data. The writer makes them, the check makes them again and
 * compares, so that no changed byte passes.
 */
export interface EntryRecord {
  name: string;
  /** Where the local header starts. */
  offset: number;
  method: Method;
  size: number;
  compressedSize: number;
  crc32: number;
}

export const methods = { store: 0, deflate: 8 } as const;
type Method = (typeof methods)[keyof typeof methods];

const versionNeeded = 45;
const utf8Names = 0x0800;
/** 1 January 1980: the archive's bytes depend on its content alone. */
const noDate = 0x0021;
const seeZip64 = 0xffffffff;

/** The header in front of an entry's data; its length depends on the name alone. */
export function localHeader(entry: EntryRecord): Buffer {
  const name = Buffer.from(entry.name);
  const fixed = Buffer.alloc(30);
  fixed.writeUInt32LE(0x04034b50, 0);
  writeCommon(fixed, 4, entry);
  fixed.writeUInt16LE(name.length, 26);
  fixed.writeUInt16LE(20, 28);
  return Buffer.concat([fixed, name, zip64Extra([entry.size, entry.compressedSize])]);
}

/** Everything behind the last entry: the central directory, which starts at `offset`, and its end. */
export function directory(entries: readonly EntryRecord[], offset: number): Buffer {
  const records = entries.map(directoryRecord);
  const size = records.reduce((sum, record) => sum + record.length, 0);
  return Buffer.concat([...records, endRecords(entries.length, size, offset)]);
}

function directoryRecord(entry: EntryRecord): Buffer {
  const name = Buffer.from(entry.name);
  const fixed = Buffer.alloc(46);
  fixed.writeUInt32LE(0x02014b50, 0);
  fixed.writeUInt16LE(versionNeeded, 4);
  writeCommon(fixed, 6, entry);
  fixed.writeUInt16LE(name.length, 28);
  fixed.writeUInt16LE(28, 30);
  fixed.writeUInt32LE(seeZip64, 42);
  const extra = zip64Extra([entry.size, entry.compressedSize, entry.offset]);
  return Buffer.concat([fixed, name, extra]);
}

/** The fields that both headers have in the same order. */
function writeCommon(header: Buffer, at: number, entry: EntryRecord) {
  header.writeUInt16LE(versionNeeded, at);
  header.writeUInt16LE(utf8Names, at + 2);
  header.writeUInt16LE(entry.method, at + 4);
  header.writeUInt16LE(noDate, at + 8);
  header.writeUInt32LE(entry.crc32, at + 10);
  header.writeUInt32LE(seeZip64, at + 14);
  header.writeUInt32LE(seeZip64, at + 18);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  for (const [index, value] of values.entries()) {
    extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
  }
  return extra;
}

function endRecords(count: number, size: number, offset: number): Buffer {
  const zip64End = Buffer.alloc(56);
  zip64End.writeUInt32LE(0x06064b50, 0);
  zip64End.writeBigUInt64LE(44n, 4);
  zip64End.writeUInt16LE(versionNeeded, 12);
  zip64End.writeUInt16LE(versionNeeded, 14);
  zip64End.writeBigUInt64LE(BigInt(count), 24);
  zip64End.writeBigUInt64LE(BigInt(count), 32);
  zip64End.writeBigUInt64LE(BigInt(size), 40);
  zip64End.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + size), 8);
  locator.writeUInt32LE(1, 16);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(0xffff, 8);
  end.writeUInt16LE(0xffff, 10);
  end.writeUInt32LE(seeZip64, 12);
  end.writeUInt32LE(seeZip64, 16);
  return Buffer.concat([zip64End, locator, end]);
}
