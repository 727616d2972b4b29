import { MigrationError } from "../core/errors.ts";
import { freeSpace } from "../files/space.ts";
import { type ConnectOptions, connectSource } from "../mongo/connect.ts";
import type { DatabaseRef } from "../mongo/database.ts";
import type { CheckRequest, Facts, SideFacts } from "../plan/facts.ts";
import { covers, scopeText } from "../plan/scope.ts";
import type { StepInputs } from "../plan/steps.ts";
import { type CheckedDatabases, checkDatabases, identityOf } from "./check-databases.ts";
import { checkFolders } from "./check-folders.ts";
import { checkScope } from "./check-scope.ts";
import type { WorkerContext } from "./context.ts";

/** Looks at both sides before there is a plan; writes nothing. Throws the first thing that is wrong. */
export async function checkSides(request: CheckRequest, options: ConnectOptions): Promise<Facts> {
  const { source, destination, migrationType, application, scopes } = request;
  const folders = await checkFolders(source.dir, destination.dir);
  const warnings: string[] = [];
  const isOptional = migrationType === "files" && scopes.every(({ kind }) => kind === "server");
  const databases = await checkDatabaseSides(request, options).catch((error: unknown) => {
    if (!isOptional || !isUnavailable(error)) throw error;
    warnings.push(`${error.message}; the files of the server go without it`);
    return undefined;
  });
  if (source.database !== undefined && databases !== undefined) {
    const database = await connectSource(source.database, options);
    try {
      for (const scope of scopes) {
        await checkScope(database, { application, scope, sourceDir: folders.sourceDir });
      }
    } finally {
      await database.close();
    }
  }
  return {
    source: await sideFacts(folders.sourceDir, source.database, databases?.source?.version),
    destination: await sideFacts(
      ...([folders.destinationDir, destination.database, databases?.destination?.version] as const),
    ),
    canPreserveOwnership: process.getuid?.() === 0,
    warnings,
  };
}

function isUnavailable(error: unknown): error is MigrationError {
  return error instanceof MigrationError && error.code === "E_UNAVAILABLE";
}

async function checkDatabaseSides(
  { source, destination, migrationType }: CheckRequest,
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

async function sideFacts(
  dir: string,
  database: DatabaseRef | undefined,
  version: string | undefined,
): Promise<SideFacts> {
  const { freeBytes } = await freeSpace(dir);
  const identity = await identityOf(dir, database);
  return { dir, identity, freeBytes, ...(version === undefined ? {} : { version }) };
}

/** The same checks at the start of each attempt, as days may lie between the plan and the run. */
export async function preflight(input: StepInputs["preflight"], ctx: WorkerContext) {
  if (input.requireFiles) requireFiles(input, ctx);
  const facts = await checkSides(
    {
      application: input.application,
      migrationType: input.documents ? "full" : "files",
      scopes: [input.scope],
      source: side(input.sourceDir, input.source),
      destination: side(input.destinationDir, input.destination),
    },
    { signal: ctx.signal, log: ctx.log },
  );
  for (const warning of facts.warnings) ctx.log.warn({ warning }, "Preflight warning");
  return facts;
}

function side(dir: string, database: DatabaseRef | undefined) {
  return { dir, ...(database === undefined ? {} : { database }) };
}

/** Documents without their files would be broken links, so the files come first. */
function requireFiles({ scope }: StepInputs["preflight"], { ledger }: WorkerContext) {
  const wanted = scopeText(scope);
  if (ledger.completions.list("files").some((done) => covers(done.scope, wanted))) return;
  throw new MigrationError(
    "E_REFUSED",
    `The files of "${wanted}" are not recorded as moved to this destination`,
    { hint: "Move them first (--migrationType files or full), or insist with --force-db" },
  );
}
