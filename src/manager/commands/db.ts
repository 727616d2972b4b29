import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { loadApplication } from "../../config/load-application.ts";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { suggestion } from "../../core/flags.ts";
import { connectSource } from "../../mongo/connect.ts";
import { writeSelection } from "../../mongo/selection.ts";
import { newestFields, rewriteRules } from "../../plan/inputs.ts";
import { neverCollections } from "../../workers/application-facts.ts";
import { backupDatabase } from "../../workers/db-backup.ts";
import { restoreDatabase } from "../../workers/db-restore.ts";
import { verifyDatabase } from "../../workers/db-verify.ts";
import type { ManagerContext } from "../context.ts";
import { runByHand } from "../hand-run.ts";
import { printResult } from "../print-result.ts";
import { withSourceUri } from "../source-uri.ts";

const applicationOption = { type: "string", value: "NAME|FILE" } as const;

export const dbBackupCommand = defineCommand({
  args: {
    "uri-file": options["uri-file"],
    database: options.database,
    archive: options.archive,
    collection: options.collection,
    application: { ...applicationOption, describe: "Leave out what this application never moves" },
    compression: options.compression,
    "source-ssh": options["source-ssh"],
    "ssh-config": options["ssh-config"],
  },
  examples: [
    ["migmgr db backup --uri-file a.uri --database DLAAS --archive a.zip", "All collections"],
    ["migmgr db backup … --collection DataSets", "One collection"],
    ["migmgr db backup … --source-ssh admin@old-server", "Through an SSH tunnel"],
  ],
  async run(flags, context: ManagerContext) {
    const { database } = flags;
    const result = await withSourceUri(flags, context, (uriFile) =>
      runByHand(context, undefined, async (ctx, scratch) => {
        const source = { uriFile, database };
        const selection = `${scratch}/selection.bson`;
        const collections = await wantedCollections({ ...flags, source }, ctx);
        await writeSelection(
          selection,
          collections.map((collection) => ({ collection, filters: [] })),
        );
        const compression = flags.compression ?? "deflate";
        return backupDatabase(
          { source, selection, archive: resolve(flags.archive), compression },
          ctx,
        );
      }),
    );
    printResult(result, context);
    return exitCodes.done;
  },
});

interface Wanted {
  source: { uriFile: string; database: string };
  collection?: string[];
  application?: string;
}

/** An archive of nothing, or without what was named, would be found out too late. */
async function wantedCollections(
  { source, collection, application }: Wanted,
  ctx: { signal: AbortSignal },
): Promise<string[]> {
  const names = await collectionNames(source, ctx.signal);
  if (names.length === 0) {
    throw new MigrationError("E_SCOPE", `The database "${source.database}" holds no collections`, {
      hint: "Check --database: names are told apart by case",
    });
  }
  const unknown = collection?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new MigrationError("E_SCOPE", `"${source.database}" has no collection "${unknown}"`, {
      hint: suggestion(unknown, names) ?? `It has: ${names.join(", ")}`,
    });
  }
  if (collection !== undefined || application === undefined) return collection ?? names;
  const never = neverCollections(await loadApplication(application), []);
  return names.filter((name) => !never.includes(name));
}

async function collectionNames(source: Wanted["source"], signal: AbortSignal): Promise<string[]> {
  const database = await connectSource(source, { signal });
  try {
    return (await database.collections()).map(({ name }) => name);
  } finally {
    await database.close();
  }
}

const destinationArgs = {
  "uri-file": options["uri-file"],
  database: options.database,
  archive: { ...options.archive, describe: "The zip file, or a dump of mongodump" },
  "report-dir": options["report-dir"],
  application: { ...applicationOption, describe: "Apply this application's fix-ups" },
};

export const dbRestoreCommand = defineCommand({
  args: {
    ...destinationArgs,
    "report-dir": { ...options["report-dir"], required: true },
    "on-conflict": options["on-conflict"],
    ledger: options.ledger,
  },
  examples: [
    [
      "migmgr db restore --uri-file d.uri --database DLAAS --archive a.zip --report-dir out",
      "All of it",
    ],
    ["migmgr db restore … --archive dump/", "A folder that mongodump wrote"],
  ],
  async run(flags, context: ManagerContext) {
    const fixups = await fixupsOf(flags.application);
    const out = resolve(flags["report-dir"]);
    await mkdir(out, { recursive: true });
    const result = await runByHand(context, flags.ledger, (ctx) =>
      restoreDatabase(
        {
          archive: resolve(flags.archive),
          destination: { uriFile: resolve(flags["uri-file"]), database: flags.database },
          ...{ out, onConflict: flags["on-conflict"] ?? "keep-destination", ...fixups },
          foreign: true,
        },
        ctx,
      ),
    );
    const { verdicts, counters: _, ...shown } = result;
    // The table of the collections has the verdicts already, and the log the counters.
    printResult(context.format === "table" ? shown : result, context);
    const isClean =
      Object.values(verdicts).every(({ conflict, rejected }) => conflict + rejected === 0) &&
      shown.differences.every(({ note }) => note === "extra" || note === "obsolete-option");
    return isClean ? exitCodes.done : exitCodes.finishedWithFindings;
  },
});

export const dbVerifyCommand = defineCommand({
  args: destinationArgs,
  examples: [
    [
      "migmgr db verify --uri-file d.uri --database DLAAS --archive a.zip",
      "Every document is equal",
    ],
    ["migmgr db verify … --report-dir out", "Conflicts that the restore listed there are expected"],
  ],
  async run(flags, context: ManagerContext) {
    const { rewrite } = await fixupsOf(flags.application);
    const out = flags["report-dir"];
    const result = await runByHand(context, undefined, (ctx) =>
      verifyDatabase(
        {
          archive: resolve(flags.archive),
          destination: { uriFile: resolve(flags["uri-file"]), database: flags.database },
          ...{ rewrite, foreign: true, ...(out === undefined ? {} : { verdicts: resolve(out) }) },
        },
        ctx,
      ),
    );
    printResult(result, context);
    return exitCodes.done;
  },
});

async function fixupsOf(name: string | undefined) {
  if (name === undefined) return { rewrite: {}, newestBy: {} };
  const application = await loadApplication(name);
  return { rewrite: rewriteRules(application, []), newestBy: newestFields(application) };
}
