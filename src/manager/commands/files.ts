import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadVerifyMode } from "../../config/load.ts";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { type ExitCode, exitCodes } from "../../core/errors.ts";
import type { VerdictCounts } from "../../core/verdict.ts";
import { type PathSpec, type Selection, takeInventory } from "../../files/take-inventory.ts";
import type { OwnershipMode } from "../../plan/steps.ts";
import { checkFolders } from "../../workers/check-folders.ts";
import type { WorkerContext } from "../../workers/context.ts";
import { compareFiles } from "../../workers/files-compare.ts";
import { syncFiles } from "../../workers/files-sync.ts";
import { tarFiles } from "../../workers/files-tar.ts";
import { verifyFiles } from "../../workers/files-verify.ts";
import type { ManagerContext } from "../context.ts";
import { runByHand } from "../hand-run.ts";
import { printResult } from "../print-result.ts";

const args = {
  from: options.from,
  to: options.to,
  exclude: options.exclude,
  ownership: options.ownership,
  "on-conflict": options["on-conflict"],
  ledger: options.ledger,
};

interface Flags {
  from: string;
  to: string;
  path?: string[];
  exclude?: string[];
  ownership?: OwnershipMode;
  "on-conflict"?: "keep-destination" | "overwrite" | "newest" | "fail";
  ledger?: string;
  bwlimit?: number;
}

export const filesSyncCommand = defineCommand({
  name: "files sync",
  describe: "Bring a folder, or directories below it, to another folder by rsync",
  args: { ...args, path: options.path, bwlimit: options.bwlimit },
  examples: [
    ["migmgr files sync --from /a/data --to /d/data --exclude logs", "All but logs"],
    ["migmgr files sync --from /a/data --to /d/data --path jane", "One directory"],
  ],
  run: (flags, context: ManagerContext) =>
    send(flags, context, async (common, ctx) =>
      syncFiles(
        { ...common, ...(flags.bwlimit === undefined ? {} : { bandwidthLimit: flags.bwlimit }) },
        ctx,
      ),
    ),
});

export const filesTarCommand = defineCommand({
  name: "files tar",
  describe: "Bring single files to another folder by tar, never through a symbolic link",
  args: { ...args, path: { ...options.path, required: true } },
  examples: [["migmgr files tar --from /a/data --to /d/data --path jane/models/x.zip", "One file"]],
  run: (flags, context: ManagerContext) => send({ ...flags, single: true }, context, tarFiles),
});

export const filesVerifyCommand = defineCommand({
  name: "files verify",
  describe: "Read a folder back and compare it with its source; writes nothing",
  args: { ...args, path: options.path, verify: { ...options.verify, default: "full" } },
  examples: [
    ["migmgr files verify --from /a/data --to /d/data --exclude logs", "Hash every file"],
    ["migmgr files verify --from /a/data --to /d/data --verify sample=1%", "Hash one in a hundred"],
  ],
  async run(flags, context: ManagerContext) {
    const result = await runByHand(context, flags.ledger, async (ctx, scratch) => {
      const common = await prepare(flags, ctx, scratch);
      const compared = await compareFiles({ ...common, onConflict: "keep-destination" }, ctx);
      const verified = await verifyFiles(
        { ...common, mode: loadVerifyMode(flags.verify ?? "full") },
        ctx,
      );
      return { verdicts: compared.verdicts, ...verified };
    });
    printResult(result, context);
    const { migrated, updated, ...rest } = result.verdicts;
    return migrated + updated > 0
      ? exitCodes.changesFound
      : findings({ ...rest, migrated, updated });
  },
});

type Common = Awaited<ReturnType<typeof prepare>>;

async function send(
  flags: Flags & { single?: true },
  context: ManagerContext,
  work: (
    input: Common & { temporaryDir: string },
    ctx: WorkerContext,
  ) => Promise<{ verdicts: VerdictCounts }>,
): Promise<ExitCode> {
  const result = await runByHand(context, flags.ledger, async (ctx, scratch) => {
    const common = await prepare(flags, ctx, scratch);
    await compareFiles({ ...common, onConflict: flags["on-conflict"] ?? "keep-destination" }, ctx);
    const temporaryDir = join(common.destinationDir, ".migmgr-unfinished");
    return work({ ...common, temporaryDir }, ctx);
  });
  printResult(result, context);
  return findings(result.verdicts);
}

async function prepare(flags: Flags & { single?: true }, ctx: WorkerContext, scratch: string) {
  const folders = await checkFolders(resolve(flags.from), resolve(flags.to));
  await mkdir(scratch, { recursive: true });
  const inventory = join(scratch, "files.sqlite");
  await takeInventory({
    root: folders.sourceDir,
    selection: selectionOf(flags),
    file: inventory,
    signal: ctx.signal,
    report: ctx.report,
  });
  const isRoot = process.getuid?.() === 0;
  const ownership: OwnershipMode = flags.ownership ?? (isRoot ? "preserve" : "inherit");
  return { ...folders, inventory, ownership };
}

function selectionOf({ path = [], exclude = [], single }: Flags & { single?: true }): Selection {
  if (path.length === 0) {
    return { kind: "tree", exclude, owned: [{ directory: Buffer.from("."), owned: true }] };
  }
  const paths = path.map((text): PathSpec => {
    const bytes = Buffer.from(text.replace(/^\.\//, "").replace(/\/+$/, ""));
    return single ? { file: bytes, owned: true } : { directory: bytes, owned: true };
  });
  return { kind: "paths", paths, excludePaths: exclude.map((name) => Buffer.from(name)) };
}

function findings({ conflict, rejected, missing }: VerdictCounts): ExitCode {
  return conflict + rejected + missing > 0 ? exitCodes.finishedWithFindings : exitCodes.done;
}
