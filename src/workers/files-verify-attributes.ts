import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { z } from "zod";
import type { Verdict } from "../core/verdict.ts";
import { isRoot, rootPath } from "../files/entry.ts";
import type { Inventory } from "../files/inventory.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { differingAttributes, differingRootAttributes, type RsyncRun } from "../files/rsync.ts";
import type { AttributesDiffer } from "../files/rsync-itemized.ts";
import type { FilesVerify } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import type { Difference } from "./files-differences.ts";
import { writePathList } from "./files-path-list.ts";
import { resend, steadyDestination } from "./files-retry.ts";
import { commonPowers, featuresOf } from "./files-session.ts";

interface Verifying {
  input: z.infer<typeof FilesVerify>;
  ctx: FilesContext;
  inventory: Inventory;
  /** Whether the entry is verified at all. */
  choose: (entry: InventoryEntry) => boolean;
}

/** No folder of this name is ever made: what changes nothing needs none. */
const noFolder = ".migctl-verify";

/**
 * How ACLs and extended attributes of what this run wrote differ from what was promised. Only rsync
 * can read them, so it is asked what it would still set.
 */
export async function attributeDifferences(all: Verifying): Promise<Difference[]> {
  const { input, ctx } = all;
  if (input.ownership === "inherit") return [];
  const list = join(dirname(input.inventory), "verify-attributes.list");
  try {
    const count = writePathList(list, pathsOf(all));
    const hasRoot = isWritten(all, all.inventory.get(rootPath));
    if (count === 0 && !hasRoot) return [];
    const run = await runOf(list, all);
    if (run === undefined || (!run.features.acls && !run.features.xattrs)) return [];
    const found = [
      ...(count > 0 ? await resend(ctx, () => differingAttributes(run)) : []),
      ...(hasRoot ? await resend(ctx, () => differingRootAttributes(run)) : []),
    ];
    const wrong = input.ownership === "map" ? await withoutOrder(found, run, ctx) : found;
    return wrong.flatMap(asDifferences);
  } finally {
    await rm(list, { force: true });
  }
}

function* pathsOf(all: Verifying): Generator<Buffer> {
  for (const page of all.inventory.pages({ verdicts: written })) {
    for (const entry of page) if (isWritten(all, entry) && !isRoot(entry.path)) yield entry.path;
  }
}

const written: readonly Verdict[] = ["migrated", "updated", "conflict"];

/** What was rejected is in the report already, also for want of its attributes. */
function isWritten({ choose }: Verifying, entry: InventoryEntry | undefined): boolean {
  if (entry?.verdict === undefined || !entry.ours || !choose(entry)) return false;
  return written.includes(entry.verdict);
}

/** Undefined where there is no rsync at the destination, and nothing else can read them. */
async function runOf(list: string, { input, ctx }: Verifying): Promise<RsyncRun | undefined> {
  const { sourceDir, ownership, ownershipMap } = input;
  const { signal } = ctx;
  const destination = steadyDestination(ctx);
  const features = await featuresOf(destination, input, signal);
  if (features === undefined) return undefined;
  const powers = await commonPowers(destination);
  const route = await destination.rsync(noFolder);
  return { sourceDir, ownership, ownershipMap, list, features, signal, powers, route };
}

/**
 * rsync compares the entries of an ACL in the order of the source, and mapped ids may have another:
 * only of an ACL whose ids are still the source's own it is known that it is wrong.
 */
async function withoutOrder(
  found: readonly AttributesDiffer[],
  run: RsyncRun,
  ctx: FilesContext,
): Promise<AttributesDiffer[]> {
  const asAtSource = { ...run, ownershipMap: undefined };
  const doubtful = found.filter(hasAcl).map(({ path }) => path);
  if (writePathList(run.list, doubtful) === 0) return [...found];
  const others = await resend(ctx, () => differingAttributes(asAtSource));
  const mapped = new Set(others.filter(hasAcl).map(({ path }) => path.toString("latin1")));
  return found.map(({ path, attributes }) => ({
    path,
    attributes: attributes.filter((what) => what !== "ACL" || !mapped.has(path.toString("latin1"))),
  }));
}

function hasAcl({ attributes }: AttributesDiffer): boolean {
  return attributes.includes("ACL");
}

function asDifferences({ path, attributes }: AttributesDiffer): Difference[] {
  return attributes.map((what) => ({
    path,
    what,
    expected: "what was promised",
    found: "something else",
  }));
}
