import { z } from "zod";

/** Documents of one collection that point, or are pointed at, across the border of a scope. */
export const OutsideReference = z.object({
  collection: z.string(),
  field: z.string(),
  target: z.string(),
  /** `out`: in the scope, points outside; `in`: outside, belongs to something in the scope. */
  direction: z.enum(["out", "in"]),
  /** Different documents on the far side. */
  count: z.number(),
  /** Of these, how many exist nowhere at the source. */
  dangling: z.number(),
});
export type OutsideReference = z.infer<typeof OutsideReference>;

/** One crossing of the border in words. */
export function describeOutside(reference: OutsideReference): string {
  const { collection, field, target, direction, dangling } = reference;
  const count = reference.count.toLocaleString("en-US");
  if (direction === "in") {
    return `${count} ${collection} outside of the scope belong to ${target} within it (${field})`;
  }
  if (dangling === reference.count) {
    return `${collection}.${field} points at ${count} ${target} that exist nowhere`;
  }
  const gone = dangling > 0 ? `, ${dangling.toLocaleString("en-US")} of them nowhere` : "";
  return `${collection}.${field} points at ${count} ${target} outside of the scope${gone}`;
}
