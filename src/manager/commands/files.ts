import { loadRate } from "../../config/load.ts";
import { options } from "../../config/options.ts";
import { makeBandwidth } from "../../core/bandwidth.ts";
import { defineCommand } from "../../core/command.ts";
import { type ExitCode, exitCodes } from "../../core/errors.ts";
import type { ConflictPolicy, VerdictCounts } from "../../core/verdict.ts";
import type { FilesContext } from "../../workers/context.ts";
import { compareFiles } from "../../workers/files-compare.ts";
import { syncFiles } from "../../workers/files-send.ts";
import { tarFiles } from "../../workers/files-tar.ts";
import type { ManagerContext } from "../context.ts";
import { type FilesFlags, filesArgs, keepList, prepareFiles, readList } from "../files-by-hand.ts";
import { runByHand } from "../hand-run.ts";
import { printResult } from "../print-result.ts";

const args = { ...filesArgs, "on-conflict": options["on-conflict"] };

interface Flags extends FilesFlags {
  "on-conflict"?: ConflictPolicy;
  ledger?: string;
  "report-dir"?: string;
}

export const filesSyncCommand = defineCommand({
  args: { ...args, path: options.path, bwlimit: options.bwlimit },
  examples: [
    ["migmgr files sync --from /a/data --to /d/data --exclude logs", "All but logs"],
    ["migmgr files sync --from /a/data --to /d/data --path jane", "One directory"],
    ["migmgr files sync … --ledger led --report-dir out", "Do not look twice; list conflicts"],
  ],
  run: (flags, context: ManagerContext) =>
    send(flags, context, async (common, ctx) =>
      syncFiles(common, { ...ctx, bandwidth: bandwidthOf(flags, context) }),
    ),
});

export const filesTarCommand = defineCommand({
  args: { ...args, path: { ...options.path, required: true } },
  examples: [["migmgr files tar --from /a/data --to /d/data --path jane/models/x.zip", "One file"]],
  run: (flags, context: ManagerContext) => send({ ...flags, single: true }, context, tarFiles),
});

function bandwidthOf({ bwlimit }: { bwlimit?: string }, { clock }: ManagerContext) {
  const rate = bwlimit === undefined ? 0 : loadRate("--bwlimit", bwlimit);
  return rate === 0 ? undefined : makeBandwidth(clock.elapsed, rate * 1024);
}

type Common = Awaited<ReturnType<typeof prepareFiles>>["input"];

async function send(
  flags: Flags,
  context: ManagerContext,
  work: (
    input: Common & { temporary: string },
    ctx: FilesContext,
  ) => Promise<{ verdicts: VerdictCounts }>,
): Promise<ExitCode> {
  const result = await runByHand(context, flags.ledger, async (ctx, scratch) => {
    const { input, files } = await prepareFiles(flags, ctx, scratch);
    const onConflict = flags["on-conflict"] ?? "keep-destination";
    const list = "files-conflicts.ndjson";
    try {
      await compareFiles({ ...input, onConflict }, files);
      const sent = await work({ ...input, temporary: ".migmgr-unfinished" }, files);
      return { ...sent, findings: (await readList(list, scratch)).map(brief) };
    } finally {
      await keepList(list, scratch, flags["report-dir"]);
    }
  });
  printResult(result, context);
  const { conflict, rejected, missing } = result.verdicts;
  const isClean = conflict + rejected + missing === 0;
  return isClean ? exitCodes.done : exitCodes.finishedWithFindings;
}

function brief({ path, verdict, reason }: Record<string, unknown>) {
  return { path, verdict, reason };
}
