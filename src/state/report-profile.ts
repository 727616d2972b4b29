import { formatBytes, formatCount, formatDuration } from "../core/format.ts";
import { type Bound, boundOf } from "./bound.ts";
import { fieldOf } from "./outcome.ts";
import type { StepStatus } from "./status.ts";
import type { StepProfile } from "./step-profile.ts";

/** Where the time of one step went, as the report tells it. */
export interface StepAccount {
  step: string;
  milliseconds: number;
  moved: { bytes?: number; files?: number; documents?: number };
  profile: StepProfile;
  /** Only of a step that takes long enough for that to count. */
  bound?: Bound;
}

/** Of the time of all steps of an item together. */
const longShare = 0.05;

/** The steps that were profiled, with what bounds the longer ones. */
export function accountsOf(steps: readonly StepStatus[]): StepAccount[] {
  const all = steps.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0);
  return steps.flatMap((step) => {
    const { id, kind, milliseconds, profile } = step;
    if (profile === undefined || milliseconds === undefined) return [];
    const isLong = milliseconds >= longShare * all;
    const bound = isLong ? { bound: boundOf({ kind, milliseconds, profile }) } : {};
    return [{ step: id, milliseconds, moved: movedBy(step), profile, ...bound }];
  });
}

/** What a step counted itself when it was done, else as far as it told to have come. */
function movedBy({ output, progress }: StepStatus): StepAccount["moved"] {
  const counted = {
    bytes: fieldOf(output, "bytesSent") ?? fieldOf(output, "bytes") ?? progress?.bytes?.done,
    files: fieldOf(output, "filesSent") ?? progress?.files?.done,
    documents: fieldOf(output, "documents") ?? progress?.documents?.done,
  };
  return Object.fromEntries(Object.entries(counted).filter(([, one]) => typeof one === "number"));
}

/** Each account as the cells of a table, and the sentences that belong below it. */
export const accountHead = ["step", "time", "moved", "processor", "memory", "waits", "bound by"];

export function accountRow(account: StepAccount): string[] {
  const { step, milliseconds, moved, profile, bound } = account;
  const { cpu, peakRss } = profile;
  const programs = cpu.programs > 0 ? ` + ${formatDuration(cpu.programs)}` : "";
  return [
    step,
    formatDuration(milliseconds),
    movedText(moved),
    `${formatDuration(cpu.manager)}${programs}${profile.shared ? " *" : ""}`,
    formatBytes(peakRss.manager + peakRss.programs),
    waitsText(profile),
    bound === undefined ? "" : `${bound.name}, ${Math.round(bound.share * 100)} %`,
  ];
}

/** What would help, once for each; and what the marks of the table mean. */
export function accountNotes(accounts: readonly StepAccount[]): string[] {
  const advices = new Map<string, string[]>();
  for (const { step, bound } of accounts) {
    if (bound === undefined) continue;
    advices.set(bound.advice, [...(advices.get(bound.advice) ?? []), step]);
  }
  const lines = [...advices].map(([advice, steps]) => `${steps.join(", ")}: ${advice}`);
  if (!accounts.some(({ profile }) => profile.shared)) return lines;
  return [...lines, "* Steps that ran at the same time: processor and memory are of both"];
}

function movedText({ bytes, files, documents }: StepAccount["moved"]): string {
  const parts = [
    ...(documents ? [`${formatCount(documents)} documents`] : []),
    ...(files ? [`${formatCount(files)} files`] : []),
    ...(bytes ? [formatBytes(bytes)] : []),
  ];
  return parts.join(", ");
}

const waitNames: Record<string, string> = {
  sourceDatabase: "source database",
  destinationDatabase: "destination database",
  archive: "archive",
  sourceFiles: "source files",
  destinationFiles: "destination files",
  program: "rsync or tar",
  network: "network",
  bandwidthLimit: "bandwidth limit",
};

const shownWaits = 3;

function waitsText({ waits, depths }: StepProfile): string {
  const longest = Object.entries(waits).sort(([, one], [, other]) => other - one);
  const shown = longest.filter(([, time]) => time > 0).slice(0, shownWaits);
  const texts = shown.map(([name, time]) => `${waitNames[name] ?? name} ${formatDuration(time)}`);
  const { batchesInFlight, bytesInLink } = depths;
  if (batchesInFlight) texts.push(`${batchesInFlight.mean} of ${batchesInFlight.most} calls`);
  if (bytesInLink) texts.push(`${formatBytes(bytesInLink.mean)} in the link`);
  return texts.join("; ");
}
