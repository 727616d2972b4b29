import type { Origin } from "../core/ledger.ts";
import { type Scope, scopeText } from "../plan/scope.ts";

/** The whole server has every scope; where the scope is not recorded, it may be of this one. */
export function mayBeOfScope(origin: Origin, scope: Scope): boolean {
  return scope.kind === "server" || (origin.scope ?? scopeText(scope)) === scopeText(scope);
}

/** Why that is kept of which it is not known whether it is of the scope; undefined where it is. */
export function whyScopeUnknown(origin: Origin, scope: Scope): string | undefined {
  if (scope.kind === "server" || origin.scope !== undefined) return undefined;
  return "an older version wrote it, for a scope that is not known";
}
