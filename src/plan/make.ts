import { createHash } from "node:crypto";
import type { Application } from "../config/application.ts";
import type { DestinationEndpoint, SourceEndpoint } from "./endpoint.ts";
import type { Item, MigrationType, Plan, PlanOptions } from "./plan.ts";
import { type Scope, scopeId } from "./scope.ts";
import { stepsOf } from "./step-order.ts";

export interface PlanRequest {
  migrationType: MigrationType;
  application: Application;
  scopes: Scope[];
  options: PlanOptions;
  source: SourceEndpoint;
  destination: DestinationEndpoint;
  workDir: string;
  /** Given by the user; made from the request otherwise. */
  name?: string;
}

/**
 * The plan of a request. Pure: the same request gives the same plan, name and fingerprint, in
 * whatever order and however often its scopes and inclusions were given.
 */
export function makePlan(request: PlanRequest): Plan {
  const { migrationType, application, source, destination, workDir } = request;
  const options = {
    ...request.options,
    includeCollections: [...new Set(request.options.includeCollections)].sort(),
    includePaths: [...new Set(request.options.includePaths)].sort(),
  };
  const items = uniqueScopes(request.scopes).map((scope) => makeItem(scope, request));
  const rest = { version: 1, migrationType, application, source, destination, options, items };
  const name = request.name ?? deploymentName(request);
  const content = { ...rest, version: 1 as const, name, workDir };
  return { ...content, fingerprint: digestOf({ ...content, options: counting(options) }) };
}

/** Without what only says how long it may take, and what is told of it. */
function counting(options: PlanOptions): Partial<PlanOptions> {
  const { retrySeconds: _, waitLockSeconds: __, ...rest } = options;
  const { bandwidthLimit: ___, profile: ____, ...result } = rest;
  return result;
}

/** Application, type and a short hash: the same request finds its own earlier run. */
function deploymentName({ migrationType, application, scopes, ...request }: PlanRequest): string {
  const sides = [request.source.identity, request.destination.identity];
  const what = [application.application, ...sides, ...uniqueScopes(scopes).map(scopeId)];
  return `${application.application}-${migrationType}-${digestOf(what).slice(0, 8)}`;
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

/** Each scope once, in an order of its own: which ones there are is what counts. */
function uniqueScopes(scopes: readonly Scope[]): Scope[] {
  const byId = new Map(scopes.map((scope) => [scopeId(scope), scope]));
  return [...byId.keys()].sort().flatMap((id) => byId.get(id) ?? []);
}

function makeItem(scope: Scope, request: PlanRequest): Item {
  return { id: scopeId(scope), scope, steps: stepsOf(request) };
}
