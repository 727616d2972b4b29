import { mkdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { codeOf, MigrationError } from "../core/errors.ts";
import { runProcess } from "../core/process.ts";
import { syncFileSystem } from "../core/syncfs.ts";
import type { VerdictCounts } from "../core/verdict.ts";
import { type Inventory, openInventory } from "../files/inventory.ts";
import { type FileTree, openLocalTree } from "../files/local-tree.ts";
import { type Ownership, type Powers, readPowers, requirePowers } from "../files/ownership.ts";
import { type RsyncFeatures, rsyncFeatures } from "../files/rsync.ts";
import { freeSpace } from "../files/space.ts";
import type { WorkerContext } from "./context.ts";
import { sameState } from "./files-decide.ts";
import { writeFindings } from "./files-lists.ts";

export interface SendInput {
  sourceDir: string;
  destinationDir: string;
  inventory: string;
  ownership: Ownership;
  temporaryDir: string;
  bandwidthLimit?: number | undefined;
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
  ctx: WorkerContext;
  inventory: Inventory;
  source: FileTree;
  destination: FileTree;
  powers: Powers;
  features: RsyncFeatures;
  /** A path in the folder for unfinished things, which goes away with the session. */
  temporary(name: string): string;
  removeTemporary(): Promise<void>;
}

/**
 * Opens what sending needs, and leaves nothing behind but an interrupted run's unfinished files.
 * What was written is durable when it returns.
 */
export async function withSession(
  input: SendInput,
  ctx: WorkerContext,
  work: (session: SendSession) => Promise<FilesSent>,
): Promise<FilesSent> {
  const powers = readPowers();
  requirePowers(input.ownership, powers);
  const inventory = openInventory(input.inventory);
  const source = openLocalTree(input.sourceDir);
  const destination = openLocalTree(input.destinationDir);
  const root = resolve(input.temporaryDir);
  const temporary = (name: string) => join(root, name);
  try {
    if (inventory.note("compared") !== "yes") throw notCompared(input.inventory);
    const features = await rsyncFeatures(ctx.signal);
    const { files } = inventory.count({ send: "any" });
    if (files > 0) await makeTemporary(input.destinationDir, temporary);
    const removeTemporary = () => removeTree(root);
    const sides = { inventory, source, destination, powers, features };
    const session = { input, ctx, ...sides, temporary, removeTemporary };
    const nothing = { verdicts: inventory.verdicts().counts, filesSent: 0, bytesSent: 0 };
    const result = files > 0 ? await doWork(session, work) : nothing;
    await writeFindings(inventory, join(dirname(input.inventory), "files-conflicts.ndjson"));
    await syncFileSystem(input.destinationDir);
    return result;
  } finally {
    source.close();
    destination.close();
    inventory.close();
  }
}

async function doWork(
  session: SendSession,
  work: (session: SendSession) => Promise<FilesSent>,
): Promise<FilesSent> {
  try {
    const result = await work(session);
    await session.removeTemporary();
    return result;
  } catch (error) {
    if (!isNoSpace(error)) throw error;
    await session.removeTemporary();
    throw await noSpace(session, error);
  }
}

function notCompared(file: string): MigrationError {
  return new MigrationError("E_INTEGRITY", `The inventory "${file}" was not compared`, {
    hint: "Run the comparison again, then send the files",
  });
}

/** Leftovers of a killed run go first; its partial files stay for rsync to go on from. */
async function makeTemporary(destinationDir: string, temporary: (name: string) => string) {
  await removeTree(temporary("unfinished"), temporary("staging"));
  for (const name of ["unfinished", "staging", "partial"]) {
    await mkdir(temporary(name), { recursive: true, mode: 0o700 });
  }
  const [own, root] = await Promise.all([stat(temporary("")), stat(destinationDir)]);
  if (own.dev === root.dev) return;
  throw new MigrationError("E_FOLDER", `"${temporary("")}" is on another volume`, {
    hint: "Put the folder for unfinished files on the volume of the destination",
  });
}

async function removeTree(...paths: string[]) {
  const { exitCode, stderr } = await runProcess("rm", ["-rf", "--", ...paths]);
  if (exitCode === 0) return;
  throw new MigrationError("E_PROGRAM", `Cannot remove "${paths.join('", "')}": ${stderr.trim()}`);
}

const sqliteFull = 13;

function isNoSpace(error: unknown): boolean {
  if (error instanceof MigrationError) return error.code === "E_NO_SPACE";
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") return true;
  return code === "ERR_SQLITE_ERROR" && (error as { errcode?: number }).errcode === sqliteFull;
}

/** Says how much is still to come and how much is free, now that unfinished files are gone. */
async function noSpace(session: SendSession, cause: unknown): Promise<MigrationError> {
  const { destinationDir } = session.input;
  const { freeBytes, freeFiles } = await freeSpace(destinationDir);
  const needed = await stillToCome(session);
  return new MigrationError(
    "E_NO_SPACE",
    `The volume of "${destinationDir}" is full: ${needed.bytes} bytes in ${needed.files} files are still to come, ${freeBytes} bytes are free`,
    {
      cause,
      hint: "Make the volume larger, then start again: it goes on where it stopped",
      fields: { neededBytes: needed.bytes, neededFiles: needed.files, freeBytes, freeFiles },
    },
  );
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
