import { appendFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { placeholders } from "../config/application.ts";
import { MigrationError } from "../core/errors.ts";
import { printablePath } from "../files/entry.ts";
import { type FolderChain, openFolderChain } from "../files/folder-chain.ts";
import { type Archive, openArchive } from "../mongo/archive/open.ts";
import { documentsOf, rawField } from "../mongo/bson-walk.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { WorkerContext } from "./context.ts";
import type { Row } from "./document-rows.ts";
import { expandPattern } from "./select-files.ts";

type Input = StepInputs["references-verify"];

/** How many documents have the files that they name, on each side. */
export interface ReferencesOutput {
  checked: number;
  /** On both sides. */
  complete: number;
  /** Missing at the source already: not lost by the migration, but listed. */
  missingAtSource: number;
  /** At the source and not at the destination. */
  lost: number;
  /** Documents whose id or owner cannot be a name in a path. */
  unsafe: number;
}

interface Sides {
  source: FolderChain;
  destination: FolderChain;
}

/**
 * Checks for every moved document that the files it names are there: each must be at the
 * destination if it is at the source. Throws E_INTEGRITY when one is not.
 */
export async function verifyReferences(
  input: Input,
  ctx: WorkerContext,
): Promise<ReferencesOutput> {
  const output = { checked: 0, complete: 0, missingAtSource: 0, lost: 0, unsafe: 0 };
  const list = join(input.out, "references.ndjson");
  await mkdir(input.out, { recursive: true });
  await rm(list, { force: true });
  const archive = await openArchive(input.archive);
  const sides = {
    source: openFolderChain(input.sourceDir),
    destination: openFolderChain(input.destinationDir),
  };
  try {
    for (const { name, entry } of archive.collections()) {
      const patterns = input.application.collections[name]?.expects ?? [];
      if (entry === undefined || patterns.length === 0) continue;
      const lines = checkCollection({ archive, entry, name, patterns, sides }, output, ctx);
      for await (const text of lines) await appendFile(list, text);
    }
  } finally {
    sides.source.close();
    sides.destination.close();
    await archive.close();
  }
  if (output.lost === 0) return output;
  throw new MigrationError(
    "E_INTEGRITY",
    `${output.lost} of ${output.checked} files that documents name did not arrive`,
    { hint: `See "${list}", then run it again with --rerun`, fields: { ...output } },
  );
}

interface Collection {
  archive: Archive;
  entry: string;
  name: string;
  patterns: readonly string[];
  sides: Sides;
}

/** Yields the lines to list, a batch at a time. */
async function* checkCollection(
  { archive, entry, name, patterns, sides }: Collection,
  output: ReferencesOutput,
  ctx: WorkerContext,
): AsyncGenerator<string> {
  const fields = patterns.flatMap(placeholders);
  for await (const batch of archive.read(entry)) {
    ctx.signal.throwIfAborted();
    let lines = "";
    for (const document of documentsOf(batch)) {
      const row = rowOf(document, fields);
      for (const pattern of patterns) {
        const finding = checkPath(pattern, row, sides, output);
        if (finding) lines += `${JSON.stringify({ collection: name, ...finding })}\n`;
      }
    }
    if (lines !== "") yield lines;
    ctx.report({ phase: name, files: { done: output.checked } });
  }
}

function rowOf(document: Buffer, fields: readonly string[]): Row {
  const row = new Map<string, { type: number; bytes: Buffer }>();
  for (const field of fields) {
    const value = rawField(document, field);
    if (value) row.set(field, value);
  }
  return row;
}

function checkPath(pattern: string, row: Row, sides: Sides, output: ReferencesOutput) {
  output.checked += 1;
  const path = expandPattern(pattern, row);
  if (typeof path === "string") {
    output.unsafe += 1;
    return { finding: "unsafe", field: path, pattern };
  }
  const atSource = sides.source.look(path).state === "here";
  const atDestination = sides.destination.look(path).state === "here";
  if (atSource && atDestination) {
    output.complete += 1;
    return undefined;
  }
  if (atSource) {
    output.lost += 1;
    return { finding: "lost", ...printablePath(path) };
  }
  output.missingAtSource += 1;
  return { finding: "missing-at-source", ...printablePath(path) };
}
