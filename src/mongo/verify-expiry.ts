import type { Document } from "mongodb";
import { bsonTypes, elementsOf, type RawValue, rawField } from "./bson-walk.ts";

/** An index that deletes documents some seconds after the time in their field. */
export interface TtlIndex {
  field: string;
  seconds: number;
}

export function ttlIndexesOf(indexes: readonly Document[]): TtlIndex[] {
  return indexes.flatMap((index) => {
    const seconds = Number(index["expireAfterSeconds"] ?? Number.NaN);
    const [field] = Object.keys(index["key"] ?? {});
    return Number.isNaN(seconds) || field === undefined ? [] : [{ field, seconds }];
  });
}

/** Whether the server was free to delete the document by `now` (milliseconds since 1970). */
export function isExpired(document: Buffer, { field, seconds }: TtlIndex, now: number): boolean {
  const times = datesIn(rawField(document, field));
  return times.some((time) => time + seconds * 1000 <= now);
}

/** Of several dates in an array the earliest counts. */
function datesIn(value: RawValue | undefined): number[] {
  if (value?.type === bsonTypes.date) return [Number(value.bytes.readBigInt64LE())];
  if (value?.type !== bsonTypes.array) return [];
  return [...elementsOf(value.bytes)]
    .filter(({ type }) => type === bsonTypes.date)
    .map(({ bytes }) => Number(bytes.readBigInt64LE()));
}
