import { parseApplication } from "../../src/config/load-application.ts";
import { makePlan, type PlanRequest } from "../../src/plan/make.ts";
import type { Plan } from "../../src/plan/plan.ts";

export const sampleApplication = parseApplication(
  `
application: shop
database: SHOP
mount: /data
scopes: { user: { directories: ["{user}"] } }
collections:
  Groups: { scopes: { user: owner, project-group: _id }, newest-by: updated_at }
  Models:
    scopes: { user: owner, project-group: group_id }
    references: { Groups: group_id }
    files: [{ prefix: "{owner}/models/{_id}" }, { file: "{owner}/list.txt" }]
    rewrite:
      - { field: path, prefix: up/, with: /data/ }
      - { field: deployed, set: 0, unless: Tokens }
  Parts: { child-of: { Models: model_id }, files: [{ directory: "{owner}/parts/{_id}" }] }
  Notes: {}
never: { collections: [Tokens], paths: [logs, run] }
`,
  "shop.yaml",
);

export function sampleRequest(changes: Partial<PlanRequest> = {}): PlanRequest {
  return {
    migrationType: "full",
    application: sampleApplication,
    scopes: [{ kind: "server" }],
    options: {
      onConflict: "keep-destination",
      verify: "written",
      ownership: "inherit",
      compression: "deflate",
      includeReferences: false,
      includeCollections: [],
      includePaths: [],
      after: "list",
      forceDb: false,
    },
    source: {
      kind: "local",
      dir: "/a",
      database: { uriFile: "/a.uri", database: "SHOP" },
      identity: "aaaa",
    },
    destination: {
      kind: "local",
      dir: "/d",
      database: { uriFile: "/d.uri", database: "SHOP" },
      identity: "dddd",
    },
    workDir: "/a/logs/migrations",
    ...changes,
  };
}

export function samplePlan(changes: Partial<PlanRequest> = {}): Plan {
  return makePlan(sampleRequest(changes));
}
