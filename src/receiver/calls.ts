import { z } from "zod";
import type { FileType } from "../files/entry.ts";

/** Bytes as Latin-1 text, which JSON carries without loss. */
export const Bytes = z.codec(z.string(), z.instanceof(Buffer), {
  decode: (text) => Buffer.from(text, "latin1"),
  encode: (bytes) => bytes.toString("latin1"),
});

const Integer = z.codec(z.string().regex(/^-?\d{1,20}$/), z.bigint(), {
  decode: BigInt,
  encode: String,
});

const fileTypes = ["f", "d", "l", "p", "s", "c", "b"] as const satisfies readonly FileType[];

const Count = z.number().int().nonnegative();

const Placement = z.object({
  path: Bytes,
  type: z.enum(["f", "l", "p", "s", "c", "b"]),
  size: Count,
  mtimeNs: Integer,
  mode: Count,
});

const Removal = z.object({
  path: Bytes,
  type: z.enum(fileTypes),
  size: Count,
  mtimeNs: Integer,
  ctimeNs: Integer.exactOptional(),
});

/**
 * What is packed by hand, as there is much of it. As base64, for in the text that `Bytes` makes each
 * zero byte becomes six.
 */
const Packed = z.codec(z.string(), z.instanceof(Buffer), {
  decode(text, ctx) {
    const bytes = Buffer.from(text, "base64");
    // What is no base64 is left out without a word.
    if (Math.ceil(bytes.length / 3) * 4 === text.length) return bytes;
    ctx.issues.push({ code: "invalid_format", format: "base64", input: text });
    return z.NEVER;
  },
  encode: (bytes) => bytes.toString("base64"),
});

const Paths = z.object({ paths: Packed });

/** Why a file was not placed or removed, or nothing. */
const Reason = z.codec(z.string().nullable(), z.string().optional(), {
  decode: (text) => text ?? undefined,
  encode: (text) => text ?? null,
});

const Powers = z.object({
  preserve: z.boolean(),
  devices: z.boolean(),
  fileCapabilities: z.boolean(),
  trustedAttributes: z.boolean(),
});

const Ownership = z.enum(["preserve", "inherit", "map"]);
const Nothing = z.object({});
const Temporary = z.object({ temporary: z.string() });
const LockName = z.object({ name: z.string() });
const Port = z.number().int().min(0).max(65_535);

const Info = z.object({
  version: z.string(),
  protocol: z.number().int(),
  root: z.string(),
  uid: z.number().int(),
  gid: z.number().int(),
  powers: Powers,
  /** Undefined where there is no rsync that can be used. */
  rsync: z.string().optional(),
  architecture: z.string(),
  /** Milliseconds since 1970 by the clock there. */
  clock: z.number(),
});
export type Info = z.infer<typeof Info>;

function call<I extends z.ZodType, O extends z.ZodType>(input: I, output: O) {
  return { input, output };
}

/** What one record asks and one record answers. */
export const calls = {
  info: call(Nothing, Info),
  listen: call(z.object({ key: Bytes, port: Port.optional() }), z.object({ port: Port })),
  check: call(Nothing, z.object({ dir: z.string() })),
  powers: call(Nothing, Powers),
  rsyncFeatures: call(
    Nothing,
    z.object({ acls: z.boolean(), xattrs: z.boolean(), resumes: z.boolean() }),
  ),
  space: call(Nothing, z.object({ freeBytes: Count, freeFiles: z.union([Count, z.undefined()]) })),
  names: call(Nothing, z.array(z.string())),
  look: call(Paths, Packed),
  hash: call(z.object({ path: Bytes }), Bytes),
  hashAll: call(Paths, Packed),
  makeTemporary: call(Temporary, Nothing),
  removeTemporary: call(Temporary, Nothing),
  route: call(
    Temporary,
    z.object({ root: z.string(), unfinished: z.string(), partial: z.string() }),
  ),
  place: call(
    Temporary.extend({
      files: z.array(Placement),
      how: z.object({ ownership: Ownership, isWhole: z.boolean() }),
    }),
    z.array(Reason),
  ),
  lockNames: call(Nothing, z.array(z.string())),
  lockRead: call(LockName, z.object({ text: z.string().exactOptional() })),
  lockCreate: call(LockName.extend({ text: z.string() }), Nothing),
  lockWrite: call(LockName.extend({ text: z.string() }), z.boolean()),
  lockRemove: call(LockName, Nothing),
  sync: call(Nothing, Nothing),
  remove: call(z.object({ removals: z.array(Removal) }), z.array(Reason)),
  clear: call(z.object({ path: z.string() }), z.boolean()),
};

export type CallName = keyof typeof calls;
export type Input<K extends CallName> = z.output<(typeof calls)[K]["input"]>;
export type Output<K extends CallName> = z.output<(typeof calls)[K]["output"]>;

/** What the answer to a call consists of: how many bytes were worked on since, at last the result. */
export const Part = z.object({
  bytes: z.number().int().optional(),
  result: z.unknown().optional(),
});

/** What a request that carries bytes begins with. */
export const RsyncStart = Temporary.extend({
  args: z.array(z.string()).max(1000),
  /** Of the connection that carries the bytes; they are in the request's own stream otherwise. */
  ticket: Bytes.exactOptional(),
});
export const UnpackStart = Temporary.extend({ ownership: Ownership });
export const ConnectStart = z.object({
  host: z.string().min(1).max(255),
  port: z.number().int().min(1).max(65_535),
});

export const ProgramEnd = z.object({ exitCode: z.number().int(), stderr: z.string() });
