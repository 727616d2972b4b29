import type { Application } from "../config/application.ts";
import { type ClusterRequest, type LocalRequest, workDirOf } from "../config/load.ts";
import { chooseOwnership, type OwnershipWords } from "../config/ownership-map.ts";
import { MigrationError } from "../core/errors.ts";
import { type CheckRequest, Facts } from "../plan/facts.ts";
import { makePlan } from "../plan/make.ts";
import type { Plan, PlanOptions } from "../plan/plan.ts";
import type { Scope } from "../plan/scope.ts";
import type { OwnershipMode } from "../plan/steps.ts";
import { askManager, type ManagerProgram } from "./manager.ts";

type AnyRequest = LocalRequest | ClusterRequest;

export interface Planned {
  plan: Plan;
  facts: Facts;
}

/** Has both sides of a request looked at, and makes the plan. Nothing is written. */
export async function planRequest(
  request: LocalRequest,
  application: Application,
  manager: ManagerProgram,
): Promise<Planned> {
  const wanted = checkRequestOf(request, application);
  refuseUnscoped(request, application, wanted.scopes);
  const facts = await askManager(manager, {
    ...{ args: ["check", "--request", "-"], input: wanted, schema: Facts },
  });
  const { source, destination } = wanted;
  const sourceDir = facts.source.dir;
  const plan = makePlan({
    migrationType: request.migrationType,
    application,
    scopes: wanted.scopes,
    options: planOptions(request, facts.canPreserveOwnership ? "preserve" : "inherit"),
    source: { kind: "local", ...source, dir: sourceDir, identity: facts.source.identity },
    destination: {
      ...{ kind: "local", ...destination },
      ...{ dir: facts.destination.dir, identity: facts.destination.identity },
    },
    workDir: workDirOf(sourceDir, request["work-dir"]),
    ...(request.name === undefined ? {} : { name: request.name }),
  });
  return { plan, facts };
}

/**
 * What of a request is in the plan, over what the network config says of owners; `ownership` is
 * taken where neither does.
 */
export function planOptions(
  request: AnyRequest,
  ownership: OwnershipMode,
  config: OwnershipWords = {},
): PlanOptions {
  const chosen = chooseOwnership(request, config);
  const retrySeconds = request["retry-timeout"];
  const waitLockSeconds = request["wait-lock"];
  return {
    onConflict: request["on-conflict"],
    verify: request.verify,
    ownership: chosen.ownership ?? ownership,
    ...(chosen.ownershipMap === undefined ? {} : { ownershipMap: chosen.ownershipMap }),
    compression: request.compression,
    includeReferences: request["include-references"],
    includeCollections: request["include-collection"],
    includePaths: request["include-path"],
    after: request.after,
    forceDb: request["force-db"],
    ...(request.prune ? { prune: true as const } : {}),
    ...(request.overlap ? { overlap: true as const } : {}),
    ...(request.bwlimit ? { bandwidthLimit: request.bwlimit } : {}),
    ...(request.profile ? { profile: true as const } : {}),
    ...(retrySeconds === undefined ? {} : { retrySeconds }),
    ...(waitLockSeconds === undefined ? {} : { waitLockSeconds }),
  };
}

/** A collection that says of no document whose it is cannot be taken along for one user alone. */
export function refuseUnscoped(request: AnyRequest, application: Application, scopes: Scope[]) {
  for (const name of request["include-collection"]) {
    for (const { kind } of scopes) {
      if (kind === "server" || application.collections[name]?.scopes?.[kind] !== undefined)
        continue;
      throw new MigrationError(
        "E_USAGE",
        `Cannot take "${name}" along: the application does not say which ${kind} a document is of`,
        {
          hint: "Take it along with the whole server, or describe its scopes in your own application",
        },
      );
    }
  }
}

function checkRequestOf(request: LocalRequest, application: Application): CheckRequest {
  return {
    application,
    migrationType: request.migrationType,
    scopes: scopesOf(request),
    source: {
      dir: request["source-dir"],
      ...database(request["source-uri-file"], request["source-database"], application),
    },
    destination: {
      dir: request["dest-dir"],
      ...database(request["dest-uri-file"], request["dest-database"], application),
    },
  };
}

function database(uriFile: string | undefined, name: string | undefined, app: Application) {
  return uriFile === undefined ? {} : { database: { uriFile, database: name ?? app.database } };
}

/** Each user and each project group is an item of its own; none of them means the whole server. */
export function scopesOf(request: AnyRequest): Scope[] {
  const users = request.user.map((value): Scope => ({ kind: "user", value }));
  const groups = request["project-group"].map((value): Scope => ({ kind: "project-group", value }));
  const scopes = [...users, ...groups];
  return scopes.length > 0 ? scopes : [{ kind: "server" }];
}
