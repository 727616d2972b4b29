import { rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { hasCode, MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { isFull } from "../core/no-space.ts";
import { ofTheWhole } from "../core/progress.ts";
import type { VerdictCounts } from "../core/verdict.ts";
import type { FileDestination } from "../files/destination.ts";
import { sameState } from "../files/entry.ts";
import { type Inventory, openInventory } from "../files/inventory.ts";
import { type FileTree, openLocalTree } from "../files/local-tree.ts";
import { type Owners, type Powers, readPowers, requirePowers } from "../files/ownership.ts";
import { commonFeatures, type RsyncFeatures, rsyncFeatures } from "../files/rsync-features.ts";
import { openSourceRoot, type SourceRoot } from "../files/source-root.ts";
import { shortage, shortageText } from "../files/space.ts";
import type { FilesContext } from "./context.ts";
import { writeFindings } from "./files-lists.ts";
import { resend, steadyDestination } from "./files-retry.ts";
import { profiled } from "./profiled.ts";

export interface SendInput extends Owners {
  sourceDir: string;
  inventory: string;
  temporary: string;
}

export interface FilesSent {
  verdicts: VerdictCounts;
  /** Entries that this attempt handed to the sending program as new or changed, and their bytes. */
  filesSent: number;
  bytesSent: number;
}

/** What both ways of sending share while they run. */
export interface SendSession {
  input: SendInput;
  ctx: FilesContext;
  inventory: Inventory;
  source: FileTree;
  root: SourceRoot;
  destination: FileDestination;
  powers: Powers;
  /** Undefined where there is no rsync at the destination, which then can do without. */
  features: RsyncFeatures | undefined;
  /** To be called when more has arrived than ever before. */
  progressed(): void;
}

type Work = (session: SendSession) => Promise<FilesSent>;

const restarting =
  "The rsync at the destination cannot go on within a file: one that is cut is sent anew";

const byTarAlone = "There is no rsync at the destination: all files go by tar";

const without = "The rsync of one side knows no ACLs or extended attributes: files come without";

/**
 * Opens what sending needs, and leaves nothing behind but an interrupted run's unfinished files.
 * Where the connection breaks, `work` is done again. What was written is durable when it returns.
 */
export async function withSession(
  input: SendInput,
  ctx: FilesContext,
  work: Work,
): Promise<FilesSent> {
  const destination = steadyDestination(ctx);
  const powers = await commonPowers(destination);
  requirePowers(input.ownership, powers);
  const root = openSourceRoot(input.sourceDir);
  const inventory = openInventory(input.inventory);
  const { profile } = ctx;
  const source = profiled(openLocalTree(input.sourceDir), { what: "sourceFiles", profile });
  try {
    root.requireContent(inventory);
    if (inventory.note("compared") !== "yes") throw notCompared(input.inventory);
    const features = await featuresOf(destination, input, ctx.signal);
    tellFeatures(features, input, ctx);
    const { files } = inventory.count({ send: "any" });
    const session = { input, ctx, inventory, source, root, destination, powers, features };
    const nothing = { verdicts: inventory.verdicts().counts, filesSent: 0, bytesSent: 0 };
    const result = files > 0 ? await doWork(session, work) : nothing;
    await writeFindings(inventory, join(dirname(input.inventory), "files-conflicts.ndjson"));
    failpoint("files.beforeSync");
    await destination.sync();
    failpoint("files.afterSync");
    return result;
  } finally {
    source.close();
    inventory.close();
  }
}

/**
 * What the rsyncs of both sides can do; undefined where there is none at a destination that can do
 * without. The tables of the mode `map` have no other reader than rsync.
 */
export async function featuresOf(
  destination: FileDestination,
  { ownership }: Pick<SendInput, "ownership">,
  signal: AbortSignal,
): Promise<RsyncFeatures | undefined> {
  const here = await rsyncFeatures(signal);
  try {
    return commonFeatures(here, await destination.rsyncFeatures(signal));
  } catch (error) {
    const isMissing = hasCode(error, "E_PROGRAM");
    if (isMissing && destination.placeFolders !== undefined && ownership !== "map")
      return undefined;
    throw error;
  }
}

function tellFeatures(
  features: RsyncFeatures | undefined,
  { ownership }: SendInput,
  { log }: FilesContext,
) {
  if (features === undefined) return log.info(byTarAlone);
  if (!features.resumes) log.info(restarting);
  if (ownership !== "inherit" && !(features.acls && features.xattrs)) log.warn(without);
}

/** What the receiving side may do; `trusted` attributes are also hidden from who may not read them. */
export async function commonPowers(destination: FileDestination): Promise<Powers> {
  const powers = await destination.powers();
  const trustedAttributes = powers.trustedAttributes && readPowers().trustedAttributes;
  return { ...powers, trustedAttributes };
}

async function doWork(session: Omit<SendSession, "progressed">, work: Work): Promise<FilesSent> {
  const { destination, input } = session;
  const ctx = { ...session.ctx, report: ofTheWhole(session.ctx.report) };
  try {
    const result = await resend(ctx, async (progressed) => {
      await destination.makeTemporary(input.temporary);
      return await work({ ...session, ctx, progressed });
    });
    await destination.removeTemporary(input.temporary);
    return result;
  } catch (error) {
    if (!isNoSpace(error)) throw error;
    await destination.removeTemporary(input.temporary);
    throw await noSpace(session, error);
  } finally {
    for (const name of listNames) await rm(listFile(session, name), { force: true });
  }
}

const listNames = ["plain", "forced", "folders", "tar"] as const;
export type ListName = (typeof listNames)[number];

/** A list of paths for the sending program, beside the inventory. */
export function listFile({ input }: Pick<SendSession, "input">, name: ListName): string {
  return resolve(dirname(input.inventory), `send-${name}.list`);
}

function notCompared(file: string): MigrationError {
  return new MigrationError("E_INTEGRITY", `The inventory "${file}" was not compared`, {
    hint: "Run the comparison again, then send the files",
  });
}

function isNoSpace(error: unknown): boolean {
  return hasCode(error, "E_NO_SPACE") || isFull(error);
}

/** Says how much is still to come and how much is free, now that unfinished files are gone. */
async function noSpace(
  session: Pick<SendSession, "destination" | "inventory">,
  cause: unknown,
): Promise<MigrationError> {
  const { destination } = session;
  const space = await destination.space();
  const needed = await stillToCome(session);
  const what = shortageText(shortage(space, needed) ?? "bytes", space, needed);
  return new MigrationError("E_NO_SPACE", `The volume of "${destination.label}" is full: ${what}`, {
    cause,
    hint: "Make the volume larger, then start again: it goes on where it stopped",
    fields: { ...space, neededBytes: needed.bytes, neededFiles: needed.files },
  });
}

/** What is to be sent and is not at the destination yet. */
export async function stillToCome({
  inventory,
  destination,
}: Pick<SendSession, "inventory" | "destination">) {
  const needed = { bytes: 0, files: 0 };
  for (const page of inventory.pages({ send: "data" })) {
    const looks = await destination.look(page.map(({ path }) => path));
    for (const [at, entry] of page.entries()) {
      const look = looks[at];
      if (look?.state === "here" && (entry.type === "d" || sameState(entry, look.entry))) continue;
      needed.files++;
      needed.bytes += entry.type === "f" ? entry.allocated : 0;
    }
  }
  return needed;
}
