import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadVerifyMode } from "../../config/load.ts";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, hasCode, MigrationError } from "../../core/errors.ts";
import type { FileLedger } from "../../core/ledger.ts";
import { openInventory } from "../../files/inventory.ts";
import type { InventoryEntry, Outcome } from "../../files/inventory-entry.ts";
import { openLedger } from "../../state/ledger.ts";
import type { WorkerContext } from "../../workers/context.ts";
import { verifyFiles } from "../../workers/files-verify.ts";
import { readDifferences } from "../../workers/read-differences.ts";
import type { ManagerContext } from "../context.ts";
import { copyLedger } from "../copy-ledger.ts";
import { filesArgs, keepList, prepareFiles } from "../files-by-hand.ts";
import { runByHand } from "../hand-run.ts";
import { printResult } from "../print-result.ts";

const mismatchList = "files-mismatches.ndjson";

export const filesVerifyCommand = defineCommand({
  args: {
    ...filesArgs,
    path: options.path,
    verify: {
      type: "string",
      describe: "Whose content is hashed on both sides: full, or sample=<percent>%",
      value: "MODE",
      default: "full",
    },
    ledger: {
      ...options.ledger,
      describe: "Folder of the ledger, only read: what it says we wrote must keep its attributes",
    },
  },
  examples: [
    ["migmgr files verify --from /a/data --to /d/data --exclude logs", "Hash every file"],
    ["migmgr files verify --from /a/data --to /d/data --verify sample=1%", "Hash one in a hundred"],
    ["migmgr files verify … --ledger led --report-dir out", "Attributes too; list what differs"],
  ],
  async run(flags, context: ManagerContext) {
    const mode = modeOf(flags.verify ?? "full");
    const { ledger, "report-dir": reportDir } = flags;
    const result = await runByHand(context, undefined, async (ctx, scratch) => {
      const { input, files, missing } = await prepareFiles(flags, ctx, scratch);
      refuseMissing(missing, input.sourceDir);
      const rejected = await withKnown(ledger, { ctx, scratch }, async (known) =>
        expectAll(input.inventory, known),
      );
      try {
        return { ...(await verifyFiles({ ...input, mode }, files)), rejected };
      } catch (error) {
        throw await naming(error, scratch, reportDir);
      } finally {
        await keepList(mismatchList, scratch, reportDir);
      }
    });
    printResult(result, context);
    const isClean = result.rejected.length + result.changedSince === 0;
    return isClean ? exitCodes.done : exitCodes.finishedWithFindings;
  },
});

function modeOf(text: string) {
  const mode = loadVerifyMode(text);
  if (mode === "full" || typeof mode === "object") return mode;
  throw new MigrationError("E_USAGE", `Flag --verify cannot be "${text}" here`, {
    hint: "Nothing is known of what was written: give full, or a share such as sample=1%",
  });
}

function refuseMissing(missing: readonly { path: Buffer }[], sourceDir: string) {
  const [first] = missing;
  if (first === undefined) return;
  throw new MigrationError("E_FOLDER", `There is no "${first.path}" in "${sourceDir}"`, {
    hint: "Give --path as it is below --from",
  });
}

/** The ledger's files, from a copy: whoever only looks changes nothing and waits for nobody. */
async function withKnown<T>(
  folder: string | undefined,
  { ctx, scratch }: { ctx: WorkerContext; scratch: string },
  work: (known: FileLedger) => Promise<T>,
): Promise<T> {
  if (folder === undefined) return work(ctx.ledger.files);
  const copy = join(scratch, "known");
  await mkdir(copy);
  await copyLedger(resolve(folder), copy);
  const { clock, signal } = ctx;
  const ledger = await openLedger(copy, { clock, signal });
  try {
    return await work(ledger.files);
  } finally {
    ledger.close();
  }
}

interface Rejected {
  path: string;
  reason: string;
}

/** Everything must be there; what can never be carried is returned instead. */
function expectAll(file: string, known: FileLedger): Rejected[] {
  const inventory = openInventory(file);
  const rejected: Rejected[] = [];
  try {
    for (const page of inventory.pages()) {
      inventory.update(
        page.map((entry) => ({ path: entry.path, outcome: outcomeOf(entry, known) })),
      );
      for (const entry of page) {
        const reason = whyNever(entry);
        if (reason !== undefined) rejected.push({ path: entry.path.toString(), reason });
      }
    }
    return rejected;
  } finally {
    inventory.close();
  }
}

function outcomeOf(entry: InventoryEntry, known: FileLedger): Partial<Outcome> {
  if (whyNever(entry) !== undefined) return { verdict: "rejected" };
  const record = known.get(entry.path);
  return { verdict: "identical", ours: record?.ours === true && record.state === "written" };
}

function whyNever({ type, unreadable }: InventoryEntry): string | undefined {
  if (unreadable !== undefined) return unreadable;
  return type === "s" ? "a socket is never carried" : undefined;
}

/** The worker's error names one path, and a list that goes away: this one names them. */
async function naming(error: unknown, scratch: string, reportDir: string | undefined) {
  if (!hasCode(error, "E_INTEGRITY")) return error;
  const problems = await readDifferences(join(scratch, mismatchList));
  return new MigrationError(error.code, error.message, {
    cause: error.cause,
    hint:
      reportDir === undefined
        ? "Give --report-dir to get a list of all of them; files sync brings what is missing"
        : `See "${join(resolve(reportDir), mismatchList)}" for all of them`,
    fields: { ...error.fields, problems },
  });
}
