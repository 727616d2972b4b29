import { MigrationError } from "../core/errors.ts";
import { whyUnread } from "../files/hash.ts";
import type { FileTree } from "../files/local-tree.ts";
import type { SourceRoot } from "../files/source-root.ts";
import type { FilesContext } from "./context.ts";
import { decide } from "./files-decide.ts";
import { type Case, type Decision, outcome, type Rules } from "./files-decision.ts";
import { stopIfAborted } from "./files-stop.ts";
import { twoAtOnce } from "./files-two.ts";

export interface Sides {
  source: FileTree;
  root: SourceRoot;
  destination: FileTree;
}

export interface Decided {
  found: Case;
  decision: Decision;
}

/** Decides of each entry; what is told apart by its content alone is read on both sides. */
export async function decideAll(
  cases: Case[],
  sides: Sides,
  { rules, ctx }: { rules: Rules; ctx: FilesContext },
): Promise<Decided[]> {
  const decided: Decided[] = [];
  const unread: Case[] = [];
  for (const found of cases) {
    const decision = decide(found, rules);
    if (decision === "content") unread.push(found);
    else decided.push({ found, decision });
  }
  await twoAtOnce(unread, async (found) => {
    stopIfAborted(ctx.signal, "The comparison");
    decided.push({ found, decision: await decideByContent(found, sides, { rules, ctx }) });
  });
  stopIfAborted(ctx.signal, "The comparison");
  return decided;
}

async function decideByContent(
  found: Case,
  sides: Sides,
  { rules, ctx }: { rules: Rules; ctx: FilesContext },
): Promise<Decision> {
  const source = await tryHash(sides.source, found.entry.path, ctx.signal);
  if (!Buffer.isBuffer(source)) {
    sides.root.check();
    return unreadSource(found, source);
  }
  const destination = await tryHash(sides.destination, found.entry.path, ctx.signal);
  if (!Buffer.isBuffer(destination)) {
    return { ...unreadSource(found, destination), verdict: "conflict" };
  }
  const decision = decide({ ...found, hashes: { source, destination } }, rules);
  if (decision !== "content") return decision;
  throw new MigrationError("E_UNEXPECTED", "A comparison asked for the same hashes twice");
}

async function tryHash(tree: FileTree, path: Buffer, signal: AbortSignal) {
  try {
    return await tree.hash(path, { signal });
  } catch (error) {
    stopIfAborted(signal, "The comparison");
    return whyUnread(error);
  }
}

function unreadSource({ look }: Case, code: string | number): Decision {
  const gone = code === "ENOENT";
  const before = look.state === "here" ? look.entry : undefined;
  return outcome({
    verdict: gone ? "missing" : "rejected",
    reason: gone ? "it vanished meanwhile" : `it cannot be read (${code})`,
    before,
  });
}
