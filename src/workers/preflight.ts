import { isUnavailable, MigrationError } from "../core/errors.ts";
import { checkFolder } from "../files/check-folder.ts";
import type { FileDestination } from "../files/destination.ts";
import { freeSpace, type Space } from "../files/space.ts";
import { type ConnectOptions, connectSource } from "../mongo/connect.ts";
import type { DatabaseRef } from "../mongo/database.ts";
import type { CheckRequest, Facts, SideFacts, SourceFacts, SourceRequest } from "../plan/facts.ts";
import { covers, scopeText } from "../plan/scope.ts";
import type { StepInputs } from "../plan/steps.ts";
import { type CheckedDatabases, checkDatabases, identityOf } from "./check-databases.ts";
import { refuseSameFolder } from "./check-folders.ts";
import { checkScope } from "./check-scope.ts";
import type { FilesContext } from "./context.ts";
import { encryptionNotes } from "./encryption-notes.ts";

/** What is to be looked at; the destination's directory is told where it is one of this machine. */
interface Sides extends Omit<CheckRequest, "destination"> {
  destination: { dir?: string; database?: DatabaseRef | undefined };
}

/** Looks at both sides before there is a plan; writes nothing. Throws the first thing that is wrong. */
export async function checkSides(
  request: Sides,
  files: FileDestination,
  options: ConnectOptions,
): Promise<Facts> {
  const { source, destination, migrationType, scopes } = request;
  const sourceDir = await checkFolder(source.dir, "source");
  const { dir: destinationDir } = await files.check();
  const isLocal = destination.dir !== undefined;
  if (isLocal) await refuseSameFolder(sourceDir, destinationDir);
  const warnings: string[] = [];
  const isOptional = migrationType === "files" && scopes.every(({ kind }) => kind === "server");
  const databases = await checkDatabaseSides(request, options).catch((error: unknown) => {
    if (!isOptional || !isUnavailable(error)) throw error;
    warnings.push(`${error.message}; the files of the server go without it`);
    return undefined;
  });
  if (databases !== undefined) {
    warnings.push(...(databases.warnings ?? []), ...(await encryptionNotes(reachedSides(request))));
    await checkScopes(request, sourceDir, options);
  }
  return {
    source: {
      ...sideFacts(sourceDir, await freeSpace(sourceDir), databases?.source?.version),
      identity: await identityOf(sourceDir, source.database),
    },
    destination: {
      ...sideFacts(destinationDir, await files.space(), databases?.destination?.version),
      identity: await identityOf(isLocal ? destinationDir : files.label, destination.database),
    },
    canPreserveOwnership: (await files.powers()).preserve,
    warnings,
  };
}

/** Looks at the source alone, where the destination is looked at by somebody else. */
export async function checkSource(
  request: SourceRequest,
  options: ConnectOptions,
): Promise<SourceFacts> {
  const { source } = request;
  const dir = await checkFolder(source.dir, "source");
  const version = await checkScopes(request, dir, options);
  const identity = await identityOf(dir, source.database);
  return {
    source: { ...sideFacts(dir, await freeSpace(dir), version), identity },
    warnings: await encryptionNotes({ source }),
  };
}

/** Throws where a scope is not there; returns the server's version. */
async function checkScopes(
  { source, application, scopes }: Omit<Sides, "destination">,
  sourceDir: string,
  options: ConnectOptions,
): Promise<string | undefined> {
  if (source.database === undefined) return undefined;
  const database = await connectSource(source.database, options);
  try {
    for (const scope of scopes) await checkScope(database, { application, scope, sourceDir });
    return database.facts.version;
  } finally {
    await database.close();
  }
}

async function checkDatabaseSides(
  { source, destination, migrationType }: Sides,
  options: ConnectOptions,
): Promise<Partial<CheckedDatabases> | undefined> {
  if (source.database === undefined) return undefined;
  if (migrationType === "files" || destination.database === undefined) {
    const database = await connectSource(source.database, options);
    await database.close();
    return { source: database.facts };
  }
  return checkDatabases(source.database, destination.database, options);
}

/** Files alone are moved without the destination's database. */
function reachedSides({ source, destination, migrationType }: Sides) {
  return migrationType === "files" ? { source } : { source, destination };
}

function sideFacts(
  dir: string,
  { freeBytes }: Space,
  version: string | undefined,
): Omit<SideFacts, "identity"> {
  return { dir, freeBytes, ...(version === undefined ? {} : { version }) };
}

/** The same checks at the start of each attempt, as days may lie between the plan and the run. */
export async function preflight(input: StepInputs["preflight"], ctx: FilesContext) {
  if (input.requireFiles) requireFiles(input, ctx);
  const facts = await checkSides(
    {
      application: input.application,
      migrationType: input.documents ? "full" : "files",
      scopes: [input.scope],
      source: { dir: input.sourceDir, ...withDatabase(input.source) },
      destination: {
        ...(input.destinationDir === undefined ? {} : { dir: input.destinationDir }),
        ...withDatabase(input.destination),
      },
    },
    ctx.destination,
    { signal: ctx.signal, log: ctx.log },
  );
  for (const warning of facts.warnings) ctx.log.warn({ warning }, "Preflight warning");
  return facts;
}

function withDatabase(database: DatabaseRef | undefined) {
  return database === undefined ? {} : { database };
}

/** Documents without their files would be broken links, so the files come first. */
function requireFiles({ scope }: StepInputs["preflight"], { ledger }: FilesContext) {
  const wanted = scopeText(scope);
  if (ledger.completions.list("files").some((done) => covers(done.scope, wanted))) return;
  throw new MigrationError(
    "E_REFUSED",
    `The files of "${wanted}" are not recorded as moved to this destination`,
    { hint: "Move them first (--migrationType files or full), or insist with --force-db" },
  );
}
