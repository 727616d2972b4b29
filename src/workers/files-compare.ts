import { dirname, join } from "node:path";
import type { z } from "zod";
import { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { FileRecord } from "../core/ledger.ts";
import type { VerdictCounts } from "../core/verdict.ts";
import type { FileDestination } from "../files/destination.ts";
import { printablePath } from "../files/entry.ts";
import { type Inventory, openInventory } from "../files/inventory.ts";
import { openLocalTree } from "../files/local-tree.ts";
import { lockFolderName } from "../files/lock-folder.ts";
import { openSourceRoot } from "../files/source-root.ts";
import type { FilesCompare } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { type Decided, decideAll, type Sides } from "./files-decide-all.ts";
import type { Case, Decision, Rules } from "./files-decision.ts";
import { joinLinkGroups, refreshFolders } from "./files-joined.ts";
import { writeFindings } from "./files-lists.ts";
import { steadyDestination } from "./files-retry.ts";
import { profiled } from "./profiled.ts";

export interface FilesCompared {
  verdicts: VerdictCounts;
  filesToSend: number;
  bytesToSend: number;
  /** Entries that are identical but for attributes, which stay the destination's. */
  attributesDiffer: number;
  /** Hard-linked files that have more names outside of what is carried. */
  linksOutside: number;
}

/**
 * Decides for every entry of the inventory what becomes of it, before the first byte is written.
 * Throws E_CONFLICT under the policy `fail`, after everything was listed.
 */
export async function compareFiles(
  input: z.infer<typeof FilesCompare>,
  ctx: FilesContext,
): Promise<FilesCompared> {
  const root = openSourceRoot(input.sourceDir);
  const inventory = openInventory(input.inventory);
  const { profile } = ctx;
  const source = profiled(openLocalTree(input.sourceDir), { what: "sourceFiles", profile });
  const destination = steadyDestination(ctx);
  try {
    root.requireContent(inventory);
    inventory.setNote("compared", "no");
    const rules = await rulesFor(input, destination, ctx.run);
    const attributesDiffer = await compareAll(
      inventory,
      { source, root, destination },
      { rules, ctx },
    );
    const linksOutside = joinLinkGroups(inventory);
    refreshFolders(inventory);
    inventory.setNote("compared", "yes");
    const list = join(dirname(input.inventory), "files-conflicts.ndjson");
    await writeFindings(inventory, list);
    const { counts: verdicts } = inventory.verdicts();
    if (rules.onConflict === "fail" && verdicts.conflict > 0) throw conflicts(inventory, list);
    const toSend = inventory.count({ send: "data" });
    const { files: filesToSend, bytes: bytesToSend } = toSend;
    return { verdicts, filesToSend, bytesToSend, attributesDiffer, linksOutside };
  } finally {
    source.close();
    inventory.close();
  }
}

async function rulesFor(
  input: z.infer<typeof FilesCompare>,
  destination: FileDestination,
  run: string,
): Promise<Rules> {
  const { onConflict, ownership, ownershipMap, ownName } = input;
  const { devices } = await destination.powers();
  const names = await destination.names();
  // An empty root, or a fresh volume's: the folders of our own files do not count.
  const free = [ownName, lockFolderName, "lost+found"];
  const rootIsFree = names.every((name) => free.includes(name));
  return { run, onConflict, ownership, ownershipMap, devices, rootIsFree };
}

async function compareAll(
  inventory: Inventory,
  sides: Sides,
  { rules, ctx }: { rules: Rules; ctx: FilesContext },
): Promise<number> {
  const total = inventory.count().files;
  let done = 0;
  let attributesDiffer = 0;
  for (const page of inventory.pages()) {
    const paths = page.map(({ path }) => path);
    const looks = await sides.destination.look(paths);
    const known = ctx.ledger.files.getAll(paths);
    const cases = page.map((entry, at): Case => {
      return { entry, look: looks[at] ?? { state: "absent" }, record: known[at] };
    });
    const decisions = await decideAll(cases, sides, { rules, ctx });
    inventory.update(decisions.map(({ found, decision }) => changeOf(found, decision)));
    ctx.ledger.files.put(records(decisions, ctx.run));
    failpoint("files.afterCompare");
    for (const { decision } of decisions) attributesDiffer += Number(decision.attributesDiffer);
    done += page.length;
    ctx.report({ phase: "comparing", files: { done, total } });
  }
  return attributesDiffer;
}

/** What was there is asked for only of what is sent, listed or linked: without it many are alike. */
function changeOf({ entry }: Case, { remember: _, ...outcome }: Decision) {
  const isSettled = outcome.send === "no" && outcome.reason === undefined;
  if (isSettled && (entry.nlink <= 1 || entry.type === "d")) outcome.before = undefined;
  return { path: entry.path, outcome };
}

function* records(decisions: Decided[], run: string) {
  for (const { found, decision } of decisions) {
    const { entry, record, look } = found;
    if (!decision.remember || look.state !== "here") continue;
    const { type, size, mode, uid, gid, ctimeNs } = look.entry;
    const kept: FileRecord = {
      ...record,
      ...{ type, size, mode, uid, gid, destinationCtimeNs: ctimeNs, ours: decision.ours },
      mtimeNs: type === "d" ? entry.mtimeNs : look.entry.mtimeNs,
      // Whom it was given to, whoever has it now.
      ...(decision.ours && record !== undefined ? { uid: record.uid, gid: record.gid } : {}),
      sourceCtimeNs: entry.ctimeNs,
      run: decision.verdict === "identical" ? (record?.run ?? run) : run,
      state: "written",
    };
    yield { path: entry.path, record: kept };
  }
}

function conflicts(inventory: Inventory, list: string): MigrationError {
  const { counts } = inventory.verdicts();
  const first = inventory.pages({ verdicts: ["conflict"] }).next().value?.[0];
  const name = first === undefined ? "" : printablePath(first.path).path;
  return new MigrationError(
    "E_CONFLICT",
    `${counts.conflict} files at the destination differ, the first is "${name}": ${first?.reason}`,
    { hint: `See "${list}", then choose another --on-conflict, or move them away` },
  );
}
