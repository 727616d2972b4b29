import { z } from "zod";
import { type ErrorCode, errorCodes, MigrationError } from "../core/errors.ts";
import { parseJson } from "../core/parse-json.ts";
import { StepProfile } from "./step-profile.ts";

export const statusVersion = 1;

const runStates = ["pending", "running", "done", "failed", "interrupted"] as const;
export type RunState = (typeof runStates)[number];

const itemStates = [...runStates, "not-run"] as const;
export type ItemState = (typeof itemStates)[number];

const stepStates = ["pending", "running", "done", "failed", "not-run"] as const;

const Versioned = z.object({ version: z.number() });

const count = z.number().int().nonnegative();
const Count = z.object({ done: count, total: count.exactOptional() });

export const StepProgress = z.object({
  phase: z.string(),
  files: Count.exactOptional(),
  documents: Count.exactOptional(),
  bytes: Count.exactOptional(),
});

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

export const StepError = z.object({
  /** A code of a newer program is shown as unexpected rather than making the status unreadable. */
  code: z.enum(codes).catch("E_UNEXPECTED"),
  message: z.string(),
  hint: z.string().exactOptional(),
  fields: z.record(z.string(), z.unknown()).exactOptional(),
});

/** The process that works, or worked last, on the migration; `since` is milliseconds since 1970. */
export const Holder = z.object({ pid: count, host: z.string(), since: count, fencing: count });
export type Holder = z.infer<typeof Holder>;

/** What a run waits for that somebody else has to do; `since` is milliseconds since 1970. */
export const Waiting = z.object({
  since: count,
  /** "a log-in". */
  what: z.string(),
  reason: z.string(),
  hint: z.string(),
});
export type Waiting = z.infer<typeof Waiting>;

export const StepStatus = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(stepStates),
  attempts: count,
  startedAt: count.exactOptional(),
  finishedAt: count.exactOptional(),
  /** How long the last attempt took, from a monotonic clock. */
  milliseconds: z.number().nonnegative().exactOptional(),
  progress: StepProgress.exactOptional(),
  output: z.unknown().optional(),
  error: StepError.exactOptional(),
  /** Present where it was asked for. */
  profile: StepProfile.exactOptional(),
});
export type StepStatus = z.infer<typeof StepStatus>;

export const ItemStatus = z.object({
  id: z.string(),
  /** "server", "user:jane" or "project-group:<id>". */
  scope: z.string(),
  state: z.enum(itemStates),
  steps: z.array(StepStatus),
});
export type ItemStatus = z.infer<typeof ItemStatus>;

/** What happened to a migration so far; all times are milliseconds since 1970. */
export const Status = z.object({
  version: z.literal(statusVersion),
  /** The number of the newest journalled event that is in here. */
  seq: z.number().int().positive(),
  /** Fingerprint of the plan. */
  plan: z.string(),
  /** Name of the deployment. */
  name: z.string(),
  migrationType: z.string(),
  /** The same for all attempts at one run, another for each re-run. */
  run: z.string(),
  /** 1 for the first run, one more for each re-run. */
  generation: z.number().int().positive(),
  state: z.enum(runStates),
  startedAt: count,
  updatedAt: count,
  finishedAt: count.exactOptional(),
  exitCode: count.exactOptional(),
  holder: Holder.exactOptional(),
  /** Absent while it works. */
  waiting: Waiting.exactOptional(),
  /** KiB each second that may be sent; absent where there is no limit. */
  bandwidthLimit: z.number().positive().exactOptional(),
  items: z.array(ItemStatus),
});
export type Status = z.infer<typeof Status>;

/**
 * The status in `text`, or undefined when it is not a whole one; throws `E_VERSION` for one that
 * a newer program wrote, since going on from anything older would undo what that one did.
 */
export function parseStatus(text: string, path: string): Status | undefined {
  const json = parseJson(text);
  refuseNewer(json, path);
  return Status.safeParse(json).data;
}

function refuseNewer(json: unknown, path: string) {
  const { data } = Versioned.safeParse(json);
  if (data !== undefined && data.version > statusVersion) throw newerVersion(path, data.version);
}

export function newerVersion(path: string, version: number): MigrationError {
  return new MigrationError(
    "E_VERSION",
    `"${path}" has format ${version}, but this program knows formats up to ${statusVersion}`,
    { hint: "Use the version of the program that wrote it, or a newer one" },
  );
}
