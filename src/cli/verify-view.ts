import { z } from "zod";
import { formatBytes, formatCount } from "../core/format.ts";
import type { Output } from "../core/output.ts";
import { parseJson } from "../core/parse-json.ts";
import type { Count, Progress } from "../core/progress.ts";
import type { Verification, VerifiedPart } from "../plan/verification.ts";
import type { ProgressMode } from "./progress.ts";

/** What was checked, and beneath it what differs, by name. */
export function printVerification({ checks }: Verification, out: Output) {
  out.table(
    ["ITEM", "PART", "CHECKED", "RESULT"],
    checks.map((check) => [check.item, check.part, checkedText(check), resultText(check)]),
  );
  for (const { item, part, differences, error } of checks) {
    if (differences.length === 0) continue;
    out.line("");
    out.line(`${item}, ${part}:`);
    for (const difference of differences) out.line(`  ${difference}`);
    if (error?.hint !== undefined) out.line(`  ${error.hint}`);
  }
}

const Counts = z.looseObject({
  checked: z.number().optional(),
  hashed: z.number().optional(),
  collections: z.array(z.looseObject({ documents: z.number() })).optional(),
});

function checkedText({ part, output }: VerifiedPart): string {
  const { checked = 0, hashed = 0, collections = [] } = Counts.safeParse(output ?? {}).data ?? {};
  if (output === undefined) return "";
  if (part === "documents") {
    const documents = collections.reduce((sum, one) => sum + one.documents, 0);
    return `${formatCount(documents)} documents`;
  }
  if (part === "references") return `${formatCount(checked)} files`;
  return `${formatCount(checked)} files, ${formatCount(hashed)} hashed`;
}

function resultText({ error, output }: VerifiedPart): string {
  if (error !== undefined) return `${error.message} (${error.code})`;
  const changed = output?.changedSince ?? 0;
  return changed === 0 ? "equal" : `equal; ${formatCount(changed)} changed at the source since`;
}

const LogLine = z.looseObject({
  level: z.number(),
  msg: z.string(),
  progress: z
    .custom<Progress>((value) => typeof value === "object" && value !== null && "phase" in value)
    .optional(),
});

/** Turns the log of a manager that verifies into lines for people; nothing where none are wanted. */
export function showLog(mode: ProgressMode, out: Output): ((line: string) => void) | undefined {
  if (mode === "none") return undefined;
  if (mode === "json") return (line) => out.note(line);
  return (line) => {
    const entry = LogLine.safeParse(parseJson(line)).data;
    if (entry?.progress !== undefined) out.note(progressText(entry.progress));
    else if (entry !== undefined && entry.level >= warning) out.note(entry.msg);
  };
}

const warning = 40;

function progressText({ phase, files, documents, bytes }: Progress): string {
  const parts = [
    countText(documents, formatCount, "documents"),
    countText(files, formatCount, "files"),
    countText(bytes, formatBytes, ""),
  ];
  return [phase, ...parts.filter((part) => part !== "")].join("  ");
}

function countText(count: Count | undefined, show: (n: number) => string, noun: string): string {
  if (count === undefined) return "";
  const total = count.total === undefined ? "" : ` of ${show(count.total)}`;
  return `${show(count.done)}${total} ${noun}`.trimEnd();
}
