import { z } from "zod";
import { Application } from "../config/application.ts";
import { OwnershipMap } from "../config/ownership-map.ts";
import { conflictPolicies } from "../core/verdict.ts";
import { DestinationEndpoint, SourceEndpoint } from "./endpoint.ts";
import { Scope } from "./scope.ts";
import { ownershipModes, stepKinds, VerifyMode } from "./steps.ts";

export const migrationTypes = ["full", "files", "db"] as const;
export type MigrationType = (typeof migrationTypes)[number];

export const Step = z.strictObject({
  /** Unique within the item. */
  id: z.string(),
  kind: z.enum(stepKinds),
  /** The steps that must be done before. */
  after: z.array(z.string()),
  /** The step that must have begun before: what that one has finished is worked on at once. */
  beside: z.string().optional(),
  /** Which pass over the files it belongs to. */
  pass: z.number().int().positive().optional(),
});
export type Step = z.infer<typeof Step>;

export const Item = z.strictObject({ id: z.string(), scope: Scope, steps: z.array(Step) });
export type Item = z.infer<typeof Item>;

/** How it is moved. What changes the result is part of the fingerprint. */
export const PlanOptions = z.strictObject({
  onConflict: z.enum(conflictPolicies),
  verify: VerifyMode,
  ownership: z.enum(ownershipModes),
  /** The table of the mode `map`. */
  ownershipMap: OwnershipMap.optional(),
  compression: z.enum(["deflate", "store"]),
  includeReferences: z.boolean(),
  includeCollections: z.array(z.string()),
  includePaths: z.array(z.string()),
  after: z.enum(["run", "list"]),
  forceDb: z.boolean(),
  /** What vanished at the source is removed at the destination. */
  prune: z.literal(true).optional(),
  /** Documents are restored while others are still backed up. */
  overlap: z.literal(true).optional(),
  /** KiB each second, until another one is set while it runs; it asks for nothing else either. */
  bandwidthLimit: z.number().positive().optional(),
  /** How long a server may be away; who has more patience asks for nothing else. */
  retrySeconds: z.number().int().nonnegative().optional(),
  /** How long to wait for locks of others, all together; nor does that ask for anything else. */
  waitLockSeconds: z.number().int().nonnegative().optional(),
  /** The report tells where the time went; what is moved stays the same. */
  profile: z.literal(true).optional(),
});
export type PlanOptions = z.infer<typeof PlanOptions>;

/** What to do, made once by migctl; it holds no secret. */
export const Plan = z.strictObject({
  version: z.literal(1),
  /** The deployment's name; also the name of its folder. */
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
  /** A hash of all that changes the result: another one means another request. */
  fingerprint: z.string(),
  migrationType: z.enum(migrationTypes),
  application: Application,
  source: SourceEndpoint,
  destination: DestinationEndpoint,
  /** Holds the folder of this migration and the ledger. */
  workDir: z.string(),
  options: PlanOptions,
  items: z.array(Item).min(1),
});
export type Plan = z.infer<typeof Plan>;
