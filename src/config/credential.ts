import { z } from "zod";

const literal =
  "must not be given in plain; give { file: PATH }, { env: NAME } or { secret: { name, key } } instead";

/** Says what to do instead, and never repeats what was given. */
function refuseLiteral({ code, input }: { code?: string; input?: unknown }) {
  const isLiteral = code === "invalid_type" && (typeof input === "string" || !isObject(input));
  return isLiteral && input !== undefined ? literal : undefined;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const Text = z.string().min(1);

/** Where a secret value is; the value itself is never part of a configuration. */
export const Credential = z.union([
  z.strictObject(
    { file: Text.describe("A file that holds it; relative to the network config's own folder") },
    { error: refuseLiteral },
  ),
  z.strictObject(
    { env: Text.describe("An environment variable of migctl that holds it") },
    { error: refuseLiteral },
  ),
  z.strictObject(
    {
      secret: z
        .strictObject({
          name: Text.describe("The Secret's name"),
          key: Text.describe("The key in its data"),
        })
        .describe("A Secret of the side's namespace; for an API's token, of the source's"),
    },
    { error: refuseLiteral },
  ),
]);
export type Credential = z.infer<typeof Credential>;
