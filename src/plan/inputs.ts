import { relative, resolve } from "node:path";
import type { Application } from "../config/application.ts";
import type { Item, Plan, Step } from "./plan.ts";
import type { DatabaseRef, StepInputs, StepKind } from "./steps.ts";

/** The folder of a migration: plan, status, lists, archives, report. */
export function migrationFolder(plan: Pick<Plan, "workDir" | "name">): string {
  return `${plan.workDir}/${plan.name}`;
}

/** The Secret with what a migration's manager logs in with. */
export function credentialsSecret({ name }: Pick<Plan, "name">): string {
  return `${name}-credentials`;
}

/** The ledger's folder: one for each pair of endpoints, shared by all migrations between them. */
export function ledgerFolder(plan: Pick<Plan, "workDir" | "source" | "destination">): string {
  return `${plan.workDir}/ledger/${plan.source.identity}-${plan.destination.identity}`;
}

interface Place {
  plan: Plan;
  item: Item;
  step: Step;
}

type Maker<K extends StepKind> = (place: Place) => StepInputs[K];

/** What a step of an item is given. Pure: plan.json stays small, and tells all of it. */
export function inputOf<K extends StepKind>(kind: K, place: Place): StepInputs[K] {
  const make: Maker<K> = makers[kind];
  return make(place);
}

const makers: { [K in StepKind]: Maker<K> } = {
  preflight: ({ plan, item }) => ({
    sourceDir: plan.source.dir,
    ...(plan.destination.kind === "local" ? { destinationDir: plan.destination.dir } : {}),
    ...databases(plan),
    application: plan.application,
    scope: item.scope,
    files: plan.migrationType !== "db",
    documents: plan.migrationType !== "files",
    requireFiles: plan.migrationType === "db" && !plan.options.forceDb,
  }),
  inventory: (place) => ({
    sourceDir: place.plan.source.dir,
    ...(place.plan.source.database ? { source: place.plan.source.database } : {}),
    application: place.plan.application,
    scope: place.item.scope,
    include: {
      references: place.plan.options.includeReferences,
      collections: place.plan.options.includeCollections,
      paths: place.plan.options.includePaths,
    },
    workDir: place.plan.workDir,
    inventory: inventoryFile(place),
    selection: selectionFile(place),
    files: place.plan.migrationType !== "db",
    documents: place.plan.migrationType !== "files",
  }),
  "db-compare": (place) => ({
    source: required(place.plan.source.database),
    destination: required(place.plan.destination.database),
    selection: selectionFile(place),
    onConflict: place.plan.options.onConflict,
    ...fixups(place.plan),
  }),
  "files-compare": (place) => ({
    ...itemFiles(place),
    onConflict: place.plan.options.onConflict,
    ...ownName(place.plan),
  }),
  "files-sync": (place) => ({ ...itemFiles(place), temporary: temporaryName(place.plan) }),
  "files-tar": (place) => ({ ...itemFiles(place), temporary: temporaryName(place.plan) }),
  "db-backup": (place) => ({
    source: required(place.plan.source.database),
    selection: selectionFile(place),
    archive: archiveFile(place),
    compression: place.plan.options.compression,
  }),
  "files-verify": (place) => ({ ...itemFiles(place), mode: place.plan.options.verify }),
  "db-restore": (place) => ({
    archive: archiveFile(place),
    destination: required(place.plan.destination.database),
    out: itemFolder(place, "db"),
    onConflict: place.plan.options.onConflict,
    ...fixups(place.plan),
  }),
  "db-verify": (place) => ({
    archive: archiveFile(place),
    destination: required(place.plan.destination.database),
    verdicts: itemFolder(place, "db"),
    rewrite: fixups(place.plan).rewrite,
  }),
  "references-verify": (place) => ({
    archive: archiveFile(place),
    application: place.plan.application,
    sourceDir: place.plan.source.dir,
    out: itemFolder(place, "db"),
  }),
  "db-prune": (place) => ({
    source: required(place.plan.source.database),
    destination: required(place.plan.destination.database),
    archive: archiveFile(place),
    application: place.plan.application,
    scope: place.item.scope,
    includeCollections: place.plan.options.includeCollections,
    out: itemFolder(place, "prune"),
  }),
  "files-prune": (place) => ({
    ...itemFiles(place),
    temporary: temporaryName(place.plan),
    scope: place.item.scope,
    out: itemFolder(place, "prune"),
    workDir: place.plan.workDir,
  }),
  after: ({ plan }) => ({
    application: plan.application,
    mode: plan.options.after,
    documents: plan.migrationType !== "files",
  }),
};

function databases(plan: Plan): { source?: DatabaseRef; destination?: DatabaseRef } {
  const { source, destination } = plan;
  return {
    ...(source.database ? { source: source.database } : {}),
    ...(destination.database ? { destination: destination.database } : {}),
  };
}

function required(database: DatabaseRef | undefined): DatabaseRef {
  if (database === undefined) throw new TypeError("The plan moves documents without a database");
  return database;
}

function itemFolder({ plan, item }: Place, part: string): string {
  return `${migrationFolder(plan)}/${part}/${item.id}`;
}

function inventoryFile(place: Place): string {
  return `${itemFolder(place, "inventory")}/files-${place.step.pass ?? 1}.sqlite`;
}

function selectionFile(place: Place): string {
  return `${itemFolder(place, "inventory")}/selection-${place.step.pass ?? 1}.bson`;
}

function archiveFile({ plan, item }: Place): string {
  return `${migrationFolder(plan)}/db/${item.id}.zip`;
}

function itemFiles(place: Place) {
  const { plan } = place;
  const { ownership, ownershipMap } = plan.options;
  return {
    sourceDir: plan.source.dir,
    inventory: inventoryFile(place),
    ownership,
    ...(ownershipMap === undefined ? {} : { ownershipMap }),
  };
}

/** Unfinished files are in one folder of ours, on the same volume, that is gone afterwards. */
function temporaryName(plan: Plan): string {
  return `.migctl-${plan.name}`;
}

/** A work directory within the destination does not make that destination one of somebody's. */
function ownName({ destination, workDir }: Plan): { ownName?: string } {
  if (destination.kind !== "local") return {};
  const [name = ""] = relative(resolve(destination.dir), resolve(workDir)).split("/");
  return name === "" || name === ".." ? {} : { ownName: name };
}

/** The application's fix-ups, less the rules that a collection taken along makes wrong. */
function fixups({ application, options }: Plan) {
  return {
    rewrite: rewriteRules(application, options.includeCollections),
    newestBy: newestFields(application),
  };
}

export function rewriteRules(application: Application, includedCollections: readonly string[]) {
  const rules: StepInputs["db-restore"]["rewrite"] = {};
  for (const [name, { rewrite = [] }] of Object.entries(application.collections)) {
    const kept: StepInputs["db-restore"]["rewrite"][string] = [];
    for (const rule of rewrite) {
      if ("prefix" in rule) kept.push(rule);
      else if (rule.unless === undefined || !includedCollections.includes(rule.unless)) {
        kept.push({ field: rule.field, set: rule.set });
      }
    }
    if (kept.length > 0) rules[name] = kept;
  }
  return rules;
}

export function newestFields(application: Application): Record<string, string> {
  const entries = Object.entries(application.collections).flatMap(([name, collection]) =>
    collection["newest-by"] === undefined ? [] : [[name, collection["newest-by"]] as const],
  );
  return Object.fromEntries(entries);
}
