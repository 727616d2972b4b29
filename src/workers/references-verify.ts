import { appendFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { placeholders } from "../config/application.ts";
import { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { printablePath } from "../files/entry.ts";
import { type FileTree, openLocalTree } from "../files/local-tree.ts";
import { type Archive, openArchive } from "../mongo/archive/open.ts";
import { documentsOf, rawField } from "../mongo/bson-walk.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import type { Row } from "./document-rows.ts";
import { steadyDestination } from "./files-retry.ts";
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
  source: FileTree;
  destination: FileTree;
}

/**
 * Checks for every moved document that the files it names are there: each must be at the
 * destination if it is at the source. Throws E_INTEGRITY when one is not.
 */
export async function verifyReferences(input: Input, ctx: FilesContext): Promise<ReferencesOutput> {
  const output = { checked: 0, complete: 0, missingAtSource: 0, lost: 0, unsafe: 0 };
  const list = join(input.out, "references.ndjson");
  await mkdir(input.out, { recursive: true });
  await rm(list, { force: true });
  const archive = await openArchive(input.archive);
  const sides = { source: openLocalTree(input.sourceDir), destination: steadyDestination(ctx) };
  try {
    for (const { name, entry } of archive.collections()) {
      const patterns = input.application.collections[name]?.expects ?? [];
      if (entry === undefined || patterns.length === 0) continue;
      const lines = checkCollection({ archive, entry, name, patterns, sides }, output, ctx);
      for await (const text of lines) await appendFile(list, text);
    }
  } finally {
    sides.source.close();
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
  ctx: FilesContext,
): AsyncGenerator<string> {
  const fields = patterns.flatMap(placeholders);
  for await (const batch of archive.read(entry)) {
    ctx.signal.throwIfAborted();
    const paths: Buffer[] = [];
    let lines = "";
    for (const document of documentsOf(batch)) {
      const row = rowOf(document, fields);
      for (const pattern of patterns) {
        const path = expandPattern(pattern, row);
        if (typeof path !== "string") paths.push(path);
        else {
          output.checked += 1;
          output.unsafe += 1;
          lines += lineOf(name, { finding: "unsafe", field: path, pattern });
        }
      }
    }
    for (const finding of await checkPaths(paths, sides, output)) lines += lineOf(name, finding);
    if (lines !== "") yield lines;
    failpoint("references.afterBatch");
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

function lineOf(collection: string, finding: object): string {
  return `${JSON.stringify({ collection, ...finding })}\n`;
}

/** Looks at both sides for all paths of a batch at once; returns what is to be listed. */
async function checkPaths(paths: readonly Buffer[], sides: Sides, output: ReferencesOutput) {
  const [here, there] = await Promise.all([
    sides.source.look(paths),
    sides.destination.look(paths),
  ]);
  const findings: object[] = [];
  for (const [at, path] of paths.entries()) {
    output.checked += 1;
    const atSource = here[at]?.state === "here";
    if (atSource && there[at]?.state === "here") {
      output.complete += 1;
      continue;
    }
    if (atSource) output.lost += 1;
    else output.missingAtSource += 1;
    findings.push({ finding: atSource ? "lost" : "missing-at-source", ...printablePath(path) });
  }
  return findings;
}
