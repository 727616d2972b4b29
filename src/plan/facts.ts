import { z } from "zod";
import { Application } from "../config/application.ts";
import { migrationTypes } from "./plan.ts";
import { Scope } from "./scope.ts";
import { DatabaseRef } from "./steps.ts";

const Side = z.strictObject({ dir: z.string(), database: DatabaseRef.optional() });

/** What migctl asks the manager to look at before a plan is made. */
export const CheckRequest = z.strictObject({
  application: Application,
  migrationType: z.enum(migrationTypes),
  scopes: z.array(Scope).min(1),
  source: Side,
  destination: Side,
});
export type CheckRequest = z.infer<typeof CheckRequest>;

/** The same of a source whose destination is in a cluster, where it is looked at from here. */
export const SourceRequest = CheckRequest.omit({ destination: true });
export type SourceRequest = z.infer<typeof SourceRequest>;

const SideFacts = z.strictObject({
  /** The folder's real path. */
  dir: z.string(),
  /** Tells this folder and database from any other. */
  identity: z.string(),
  /** Of the database server; absent where no database takes part. */
  version: z.string().optional(),
  freeBytes: z.number(),
});
export type SideFacts = z.infer<typeof SideFacts>;

/** What the manager found; nothing was written to find it. */
export const Facts = z.strictObject({
  source: SideFacts,
  destination: SideFacts,
  /** Whether the manager may keep owners and groups. */
  canPreserveOwnership: z.boolean(),
  warnings: z.array(z.string()),
});
export type Facts = z.infer<typeof Facts>;

/** What the manager found where it was asked for the source alone. */
export const SourceFacts = Facts.pick({ source: true, warnings: true });
export type SourceFacts = z.infer<typeof SourceFacts>;
