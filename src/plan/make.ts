import { createHash } from "node:crypto";
import type { Application } from "../config/application.ts";
import type { DestinationEndpoint, SourceEndpoint } from "./endpoint.ts";
import type { Item, MigrationType, Plan, PlanOptions, Step } from "./plan.ts";
import { type Scope, scopeId } from "./scope.ts";
import type { StepKind } from "./steps.ts";

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
  const { retrySeconds: _, waitLockSeconds: __, ...counting } = options;
  return { ...content, fingerprint: digestOf({ ...content, options: counting }) };
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

function makeItem(scope: Scope, { migrationType, options }: PlanRequest): Item {
  const steps = chain(stepsOf(migrationType, options));
  return { id: scopeId(scope), scope, steps };
}

type Link = [id: string, kind: StepKind, pass?: number];

function stepsOf(type: MigrationType, options: PlanOptions): Link[] {
  const start: Link[] = [["preflight", "preflight"]];
  const end: Link[] = [...prune(type, options), ["after", "after"]];
  const documents: Link[] = [
    ["db-restore", "db-restore"],
    ["db-verify", "db-verify"],
    ["references-verify", "references-verify"],
  ];
  if (type === "files") return [...start, ...filesPass(1), verifyFiles(1), ...end];
  if (type === "db") {
    const inventory: Link = ["inventory", "inventory", 1];
    return [...start, inventory, ["db-backup", "db-backup"], ...documents, ...end];
  }
  const compare: Link[] = options.onConflict === "fail" ? [["db-compare", "db-compare"]] : [];
  const [inventory, ...firstFiles] = filesPass(1);
  return [
    ...start,
    ...(inventory ? [inventory] : []),
    ...compare,
    ...firstFiles,
    ["db-backup", "db-backup"],
    ...filesPass(2),
    verifyFiles(2),
    ...documents,
    ...end,
  ];
}

/** Last of all, and documents before the files that they name. */
function prune(type: MigrationType, options: PlanOptions): Link[] {
  if (options.prune !== true) return [];
  const documents: Link = ["db-prune", "db-prune"];
  const files: Link = ["files-prune", "files-prune", type === "full" ? 2 : 1];
  if (type === "db") return [documents];
  return type === "files" ? [files] : [documents, files];
}

/** One pass over the files; the second one takes what changed while the first one ran. */
function filesPass(pass: number): Link[] {
  const suffix = pass === 1 ? "" : `-${pass}`;
  return [
    [`inventory${suffix}`, "inventory", pass],
    [`files-compare${suffix}`, "files-compare", pass],
    [`files-sync${suffix}`, "files-sync", pass],
    [`files-tar${suffix}`, "files-tar", pass],
  ];
}

function verifyFiles(pass: number): Link {
  return ["files-verify", "files-verify", pass];
}

/** Each step waits for the one before it. */
function chain(links: readonly Link[]): Step[] {
  return links.map(([id, kind, pass], index) => {
    const before = links[index - 1];
    const after = before === undefined ? [] : [before[0]];
    return { id, kind, after, ...(pass === undefined ? {} : { pass }) };
  });
}
