import { createHash } from "node:crypto";
import { z } from "zod";

/** What one item moves: the whole server, what belongs to one user, or one project group. */
export const Scope = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("server") }),
  z.strictObject({ kind: z.literal("user"), value: z.string().min(1) }),
  z.strictObject({ kind: z.literal("project-group"), value: z.string().min(1) }),
]);
export type Scope = z.infer<typeof Scope>;

/** "server", "user:jane": how the ledger, the status and people name a scope. */
export function scopeText(scope: Scope): string {
  return scope.kind === "server" ? "server" : `${scope.kind}:${scope.value}`;
}

/** A name for files and labels: readable, and still another one for each scope. */
export function scopeId(scope: Scope): string {
  if (scope.kind === "server") return "server";
  const readable = scope.value.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "");
  const digest = createHash("sha256").update(scope.value).digest("hex").slice(0, 16);
  return [scope.kind, readable.slice(0, 24), digest].filter((part) => part !== "").join("-");
}

/** Whether everything of `inner` is also in `outer`. */
export function covers(outer: string, inner: string): boolean {
  return outer === "server" || outer === inner;
}
