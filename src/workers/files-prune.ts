import { z } from "zod";
import type { Removal } from "../files/destination.ts";
import { parentOf, printablePath } from "../files/entry.ts";
import { openInventory } from "../files/inventory.ts";
import { openLocalTree } from "../files/local-tree.ts";
import { openSourceRoot, type SourceRoot } from "../files/source-root.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { finishFolders } from "./files-folders.ts";
import { markStale } from "./files-joined.ts";
import { steadyDestination } from "./files-retry.ts";
import { withSession } from "./files-session.ts";
import { stopIfAborted } from "./files-stop.ts";
import { finishRoot, refreshByRsync } from "./files-sync.ts";
import { type KeptLines, keepList, type Pruned, removeListed } from "./prune-list.ts";
import { type FileSides, type VanishedFile, vanishedFiles } from "./vanished-files.ts";

type Input = StepInputs["files-prune"];

const Line = z.object({
  path: z.string(),
  base64: z.string().optional(),
  type: z.enum(["f", "d", "l", "p", "s", "c", "b"]),
  size: z.number(),
  mtimeNs: z.string(),
  ctimeNs: z.string().optional(),
  kept: z.string().optional(),
});
type Line = z.infer<typeof Line>;

/**
 * Removes the files that vanished at the source, that runs of this scope wrote, and that nobody
 * changed since, then the folders that are empty. They are all listed before the first one goes.
 */
export async function pruneFiles(input: Input, ctx: FilesContext): Promise<Pruned> {
  const pruned = await removeVanished(input, ctx);
  await setTimesAgain(input, ctx);
  return pruned;
}

async function removeVanished(input: Input, ctx: FilesContext): Promise<Pruned> {
  const inventory = openInventory(input.inventory);
  const root = openSourceRoot(input.sourceDir);
  const source = openLocalTree(input.sourceDir);
  const destination = steadyDestination(ctx);
  const { signal, ledger, run } = ctx;
  const { sourceDir, workDir, scope } = input;
  const sides = {
    ...{ sourceDir, workDir, scope, signal, source, destination, inventory },
    ledger: ledger.files,
  };
  try {
    const list = `${input.out}/files.ndjson`;
    await keepList(list, run, lines(vanishedFiles(sides), sides));
    const removing = { out: input.out, part: "files", schema: Line, ctx } as const;
    return await removeListed(removing, (some, kept) =>
      removeSome(some, { sides, root, ctx, kept }),
    );
  } finally {
    source.close();
    inventory.close();
  }
}

async function* lines(found: AsyncIterable<VanishedFile>, { signal }: FileSides) {
  for await (const { path, type, size, mtimeNs, ctimeNs, kept } of found) {
    stopIfAborted(signal, "The list of what vanished");
    yield {
      ...{ ...printablePath(path), type, size, mtimeNs: String(mtimeNs) },
      ...(ctimeNs === undefined ? {} : { ctimeNs: String(ctimeNs) }),
      ...(kept === undefined ? {} : { kept }),
    };
  }
}

function removalOfLine({ path, base64, type, size, mtimeNs, ctimeNs }: Line): Removal {
  return {
    path: base64 === undefined ? Buffer.from(path) : Buffer.from(base64, "base64"),
    ...{ type, size, mtimeNs: BigInt(mtimeNs) },
    ...(ctimeNs === undefined ? {} : { ctimeNs: BigInt(ctimeNs) }),
  };
}

interface Pruning {
  sides: FileSides;
  root: SourceRoot;
  ctx: FilesContext;
  kept: KeptLines;
}

/** Returns how many are kept. */
async function removeSome(
  some: readonly Line[],
  { sides, root, ctx, kept }: Pruning,
): Promise<number> {
  const { source, inventory } = sides;
  const removals = some.map(removalOfLine);
  // Days may lie between the list and an attempt that goes on with it.
  const looks = await source.look(removals.map(({ path }) => path));
  root.check();
  root.requireContent(inventory);
  const reasons = some.map((line, at) => line.kept ?? whyNotGone(looks[at]?.state));
  const going = removals.filter((_, at) => reasons[at] === undefined);
  markStale(
    inventory,
    going.map(({ path }) => parentOf(path)),
  );
  await ctx.guard();
  const ends = (await steadyDestination(ctx).remove(going)).values();
  let left = 0;
  const gone: Buffer[] = [];
  for (const [at, removal] of removals.entries()) {
    const reason = reasons[at] ?? ends.next().value;
    if (reason === undefined) gone.push(removal.path);
    else kept.add({ ...some[at], kept: reason });
    left += reason === undefined ? 0 : 1;
  }
  ctx.ledger.files.forget(gone);
  return left;
}

function whyNotGone(state: string | undefined): string | undefined {
  return state === "absent" ? undefined : "the source has it again";
}

/** What was removed from the folders of ours moved their times. Then all of it is durable. */
async function setTimesAgain(input: Input, ctx: FilesContext) {
  await withSession(input, ctx, async (session) => {
    if (session.features === undefined) await finishFolders(session);
    else await refreshByRsync(session, staleFolders(session));
    await finishRoot(session);
    return { verdicts: session.inventory.verdicts().counts, filesSent: 0, bytesSent: 0 };
  });
}

function* staleFolders({ inventory }: Pick<FileSides, "inventory">): Generator<Buffer> {
  for (const page of inventory.pages({ send: "any", type: "d" })) {
    for (const { path, ours } of page) if (ours) yield path;
  }
}
