import { z } from "zod";
import { Application } from "../config/application.ts";
import { OwnershipMap } from "../config/ownership-map.ts";
import { conflictPolicies } from "../core/verdict.ts";
import { Scope } from "./scope.ts";

/** Where a database is; the URI itself stays in its file. */
export const DatabaseRef = z.strictObject({ uriFile: z.string(), database: z.string() });
export type DatabaseRef = z.infer<typeof DatabaseRef>;

const RewriteRule = z.union([
  z.strictObject({ field: z.string().min(1), prefix: z.string().min(1), with: z.string() }),
  z.strictObject({ field: z.string().min(1), set: z.number() }),
]);

export const ownershipModes = ["preserve", "inherit", "map"] as const;
export type OwnershipMode = (typeof ownershipModes)[number];

/** How much is hashed: `written` is what this run wrote, `sample` a share of the rest as well. */
export const VerifyMode = z.union([
  z.literal("written"),
  z.literal("full"),
  z.literal("none"),
  z.strictObject({ sample: z.number().gt(0).lte(1) }),
]);
export type VerifyMode = z.infer<typeof VerifyMode>;

const ConflictPolicy = z.enum(conflictPolicies);

/** The files of one item: the source's root and the item's list (see files/inventory.ts). */
const ItemFiles = {
  sourceDir: z.string(),
  /** The item's inventory of files. */
  inventory: z.string(),
  ownership: z.enum(ownershipModes),
  /** The table of the mode `map`. */
  ownershipMap: OwnershipMap.optional(),
};

export const FilesCompare = z.strictObject({
  ...ItemFiles,
  onConflict: ConflictPolicy,
  /** The name below the destination's root that holds the tool's own folder, where one does. */
  ownName: z.string().optional(),
});
export const FilesSend = z.strictObject({
  ...ItemFiles,
  /** The name below the destination's root of the folder for unfinished files. */
  temporary: z.string(),
});
export const FilesVerify = z.strictObject({ ...ItemFiles, mode: VerifyMode });

const DbBackup = z.strictObject({
  source: DatabaseRef,
  /** The item's selection (see mongo/selection.ts). */
  selection: z.string(),
  archive: z.string(),
  compression: z.enum(["deflate", "store"]),
});

/** Whether a dump of mongodump is taken as well; never in a migration, whose archives are ours. */
const foreign = z.boolean().optional();

const Fixups = {
  /** Rules for each collection that has any. */
  rewrite: z.record(z.string(), z.array(RewriteRule)),
  /** The field whose larger value is the newer document, for collections that have one. */
  newestBy: z.record(z.string(), z.string()),
};

const DbRestore = z.strictObject({
  archive: z.string(),
  destination: DatabaseRef,
  /** Folder for verdicts, conflicts and rejects of this item. */
  out: z.string(),
  onConflict: ConflictPolicy,
  foreign,
  ...Fixups,
});

const DbVerify = z.strictObject({
  archive: z.string(),
  destination: DatabaseRef,
  /** The restore's folder with the verdicts; without it every document must be equal. */
  verdicts: z.string().optional(),
  foreign,
  rewrite: Fixups.rewrite,
});

/** What an item takes beside its scope, when asked. */
const Include = z.strictObject({
  references: z.boolean(),
  collections: z.array(z.string()),
  paths: z.array(z.string()),
});

const Preflight = z.strictObject({
  sourceDir: z.string(),
  /** Where the destination is a folder of this machine. */
  destinationDir: z.string().optional(),
  source: DatabaseRef.optional(),
  destination: DatabaseRef.optional(),
  application: Application,
  scope: Scope,
  /** What of the two sides the item works on. */
  files: z.boolean(),
  documents: z.boolean(),
  /** `db` alone: the files must have come before, unless this is set. */
  requireFiles: z.boolean(),
});

const Inventory = z.strictObject({
  sourceDir: z.string(),
  /** Without it only a server's files can be listed, and none of them is known to be a document's. */
  source: DatabaseRef.optional(),
  application: Application,
  scope: Scope,
  include: Include,
  /** The tool's own folder, which is never copied. */
  workDir: z.string(),
  inventory: z.string(),
  selection: z.string(),
  files: z.boolean(),
  /** Without documents, an unreachable database keeps no server's files from being moved. */
  documents: z.boolean(),
});

const DbCompare = z.strictObject({
  source: DatabaseRef,
  destination: DatabaseRef,
  selection: z.string(),
  onConflict: ConflictPolicy,
  ...Fixups,
});

const ReferencesVerify = z.strictObject({
  archive: z.string(),
  application: Application,
  sourceDir: z.string(),
  out: z.string(),
});

const FilesPrune = FilesSend.extend({
  scope: Scope,
  /** Folder for the lists of what is removed and what is kept. */
  out: z.string(),
  workDir: z.string(),
});

const DbPrune = z.strictObject({
  source: DatabaseRef,
  destination: DatabaseRef,
  archive: z.string(),
  application: Application,
  scope: Scope,
  includeCollections: z.array(z.string()),
  /** Folder for the lists of what is removed and what is kept. */
  out: z.string(),
});

const After = z.strictObject({
  application: Application,
  mode: z.enum(["run", "list"]),
  /** Nothing is to be done after a run that moved no documents. */
  documents: z.boolean(),
});

/** Every kind of step and what it is given; a new kind is one line here and one worker. */
export const stepInputs = {
  preflight: Preflight,
  inventory: Inventory,
  "db-compare": DbCompare,
  "files-compare": FilesCompare,
  "files-sync": FilesSend,
  "files-tar": FilesSend,
  "db-backup": DbBackup,
  "files-verify": FilesVerify,
  "db-restore": DbRestore,
  "db-verify": DbVerify,
  "references-verify": ReferencesVerify,
  "db-prune": DbPrune,
  "files-prune": FilesPrune,
  after: After,
} as const;

export type StepKind = keyof typeof stepInputs;
export type StepInputs = { [K in StepKind]: z.infer<(typeof stepInputs)[K]> };

export const stepKinds = Object.keys(stepInputs) as [StepKind, ...StepKind[]];
