import { z } from "zod";
import { Holder, Status, StepError, StepProgress, Waiting } from "./status.ts";
import { StepProfile } from "./step-profile.ts";

const at = z.number().int().nonnegative();
const step = { at, item: z.string(), step: z.string() };
const result = {
  milliseconds: z.number().nonnegative(),
  /** The last that the attempt reported, so that the journal alone gives the same status. */
  progress: StepProgress.exactOptional(),
  profile: StepProfile.exactOptional(),
};

export const RunStarted = z.object({
  type: z.literal("run-started"),
  at,
  run: z.string(),
  plan: z.string(),
  name: z.string(),
  migrationType: z.string(),
  holder: Holder,
  items: z.array(
    z.object({
      id: z.string(),
      scope: z.string(),
      steps: z.array(z.object({ id: z.string(), kind: z.string() })),
    }),
  ),
});
export type RunStarted = z.infer<typeof RunStarted>;

const StepStarted = z.object({ type: z.literal("step-started"), ...step });
const StepProgressed = z.object({
  type: z.literal("step-progress"),
  ...step,
  progress: StepProgress,
});
const StepDone = z.object({
  type: z.literal("step-done"),
  ...step,
  ...result,
  output: z.unknown().optional(),
});
const StepFailed = z.object({
  type: z.literal("step-failed"),
  ...step,
  ...result,
  error: StepError,
});
const StepNotRun = z.object({ type: z.literal("step-not-run"), ...step });
/** A run waits, or no longer does. */
const RunWaiting = z.object({
  type: z.literal("run-waiting"),
  at,
  waiting: Waiting.exactOptional(),
});
/** How much may be sent, from now on. */
const RunLimited = z.object({
  type: z.literal("run-limited"),
  at,
  bandwidthLimit: z.number().positive().exactOptional(),
});
const RunInterrupted = z.object({
  type: z.literal("run-interrupted"),
  at,
  exitCode: z.number().int(),
});
const RunFinished = z.object({
  type: z.literal("run-finished"),
  at,
  state: z.enum(["done", "failed"]),
  exitCode: z.number().int(),
});

/** A journal that was lost, or fell behind the snapshot, goes on from this. */
const Restored = z.object({ type: z.literal("restored"), at, status: Status });

/**
 * What can happen to a migration. All but `step-progress`, `run-waiting` and `run-limited` are
 * journalled.
 */
export const Event = z.discriminatedUnion("type", [
  RunStarted,
  StepStarted,
  StepProgressed,
  StepDone,
  StepFailed,
  StepNotRun,
  RunWaiting,
  RunLimited,
  RunInterrupted,
  RunFinished,
  Restored,
]);
export type Event = z.infer<typeof Event>;

export type StepEvent = Extract<Event, { step: string }>;

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** An event as the step loop gives it; the store adds times, duration and the last progress. */
export type NewEvent = Without<
  Exclude<Event, { type: "step-progress" | "run-waiting" | "run-limited" | "restored" }>,
  "at" | "milliseconds" | "progress"
>;
