/** A fix-up of one top-level field, done on the raw bytes of that field alone. */
export type RewriteRule =
  /** A string that starts with `prefix` gets `with` instead of it, once. */
  | { field: string; prefix: string; with: string }
  /** A number gets this value and keeps its BSON type. */
  | { field: string; set: number };
