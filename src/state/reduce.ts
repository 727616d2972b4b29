import { MigrationError } from "../core/errors.ts";
import type { Event, RunStarted, StepEvent } from "./events.ts";
import type { ItemState, ItemStatus, RunState, Status, StepStatus } from "./status.ts";

/**
 * The status after an event. Within one generation a step that is done stays done; an event that
 * cannot follow on the status throws and changes nothing.
 */
export function reduce(status: Status | undefined, event: Event): Status {
  if (event.type === "restored") return { ...event.status, seq: event.status.seq + 1 };
  if (event.type === "run-started") return startRun(status, event);
  if (event.type === "run-waiting") return setWaiting(status, event);
  if (event.type === "run-limited") return setLimit(status, event);
  if (status?.state !== "running") throw outOfOrder(event.type, `a run that is ${status?.state}`);
  if (event.type === "step-progress") return changeStep(status, event, status.seq);
  const seq = status.seq + 1;
  if (event.type === "run-interrupted") return interruptRun({ ...status, seq }, event);
  if (event.type === "run-finished") return finishRun({ ...status, seq }, event);
  return changeStep(status, event, seq);
}

function startRun(status: Status | undefined, event: RunStarted): Status {
  const resumed = status?.run === event.run;
  const before = resumed ? status : undefined;
  if (before !== undefined && !isSamePlan(before, event)) throw planChanged(event);
  const items = before?.items.map(reopen) ?? newItems(event);
  return {
    version: 1,
    seq: (status?.seq ?? 0) + 1,
    plan: event.plan,
    name: event.name,
    migrationType: event.migrationType,
    run: event.run,
    generation: before?.generation ?? (status?.generation ?? 0) + 1,
    state: "running",
    startedAt: before?.startedAt ?? event.at,
    updatedAt: event.at,
    holder: event.holder,
    items: items.map((item) => withState(item, "running")),
  };
}

/** Also before the run goes on, and after its last step: the way to the destination is opened and closed then. */
function setWaiting(
  status: Status | undefined,
  { type, at, waiting }: Extract<Event, { type: "run-waiting" }>,
): Status {
  if (status === undefined) throw outOfOrder(type, "a migration that was never begun");
  const { waiting: _, ...rest } = status;
  return { ...rest, updatedAt: at, ...(waiting === undefined ? {} : { waiting }) };
}

function setLimit(
  status: Status | undefined,
  { type, at, bandwidthLimit }: Extract<Event, { type: "run-limited" }>,
): Status {
  if (status === undefined) throw outOfOrder(type, "a migration that was never begun");
  const { bandwidthLimit: _, ...rest } = status;
  return { ...rest, updatedAt: at, ...(bandwidthLimit === undefined ? {} : { bandwidthLimit }) };
}

function newItems(event: RunStarted): ItemStatus[] {
  return event.items.map(({ id, scope, steps }) => ({
    id,
    scope,
    state: "pending",
    steps: steps.map((step) => ({ ...step, state: "pending", attempts: 0 })),
  }));
}

function reopen(item: ItemStatus): ItemStatus {
  const steps = item.steps.map((step) => (step.state === "done" ? step : pendingAgain(step)));
  return { ...item, steps };
}

function pendingAgain({ id, kind, attempts }: StepStatus): StepStatus {
  return { id, kind, state: "pending", attempts };
}

function isSamePlan(status: Status, event: RunStarted): boolean {
  const before = status.items.map(({ id, scope, steps }) => [id, scope, steps.map(idAndKind)]);
  const now = event.items.map(({ id, scope, steps }) => [id, scope, steps.map(idAndKind)]);
  return status.plan === event.plan && JSON.stringify(before) === JSON.stringify(now);
}

function idAndKind({ id, kind }: { id: string; kind: string }) {
  return [id, kind];
}

function interruptRun(status: Status, event: Extract<Event, { type: "run-interrupted" }>): Status {
  const items = status.items.map((item) => ({
    ...item,
    steps: item.steps.map((step) => (step.state === "running" ? pendingAgain(step) : step)),
  }));
  return endRun({ ...status, items }, "interrupted", event);
}

function finishRun(status: Status, event: Extract<Event, { type: "run-finished" }>): Status {
  const allowed = event.state === "done" ? ["done"] : ["done", "failed", "not-run"];
  for (const item of status.items) {
    const open = item.steps.find((step) => !allowed.includes(step.state));
    if (open) throw outOfOrder(event.type, `step "${open.id}" that is ${open.state}`);
  }
  return endRun(status, event.state, event);
}

function endRun(status: Status, state: RunState, event: { at: number; exitCode: number }): Status {
  return {
    ...status,
    state,
    updatedAt: event.at,
    finishedAt: event.at,
    exitCode: event.exitCode,
    items: status.items.map((item) => withState(item, state)),
  };
}

function changeStep(status: Status, event: StepEvent, seq: number): Status {
  const item = status.items.find(({ id }) => id === event.item);
  const step = item?.steps.find(({ id }) => id === event.step);
  if (item === undefined || step === undefined) {
    throw outOfOrder(event.type, `unknown step "${event.item}/${event.step}"`);
  }
  const changed = nextStep(step, event);
  const steps = item.steps.map((other) => (other === step ? changed : other));
  const next = withState({ ...item, steps }, status.state);
  const items = status.items.map((other) => (other === item ? next : other));
  return { ...status, seq, updatedAt: event.at, items };
}

/** A step that is stopped as the one beside it failed is not run, however far it came. */
const startStates: Record<StepEvent["type"], readonly StepStatus["state"][]> = {
  "step-started": ["pending"],
  "step-progress": ["running"],
  "step-done": ["running"],
  "step-failed": ["running"],
  "step-not-run": ["pending", "running"],
};

function nextStep(step: StepStatus, event: StepEvent): StepStatus {
  if (!startStates[event.type].includes(step.state))
    throw outOfOrder(event.type, `step "${step.id}" that is ${step.state}`);
  switch (event.type) {
    case "step-started":
      return {
        ...pendingAgain(step),
        state: "running",
        attempts: step.attempts + 1,
        startedAt: event.at,
      };
    case "step-progress":
      return { ...step, progress: event.progress };
    case "step-not-run":
      return { ...pendingAgain(step), state: "not-run" };
    default:
      return endStep(step, event);
  }
}

function endStep(
  step: StepStatus,
  event: Extract<Event, { type: "step-done" | "step-failed" }>,
): StepStatus {
  const ended = {
    ...step,
    finishedAt: event.at,
    milliseconds: event.milliseconds,
    ...(event.progress === undefined ? {} : { progress: event.progress }),
    ...(event.profile === undefined ? {} : { profile: event.profile }),
  };
  if (event.type === "step-failed") return { ...ended, state: "failed", error: event.error };
  if (event.output === undefined) return { ...ended, state: "done" };
  return { ...ended, state: "done", output: event.output };
}

function withState(item: ItemStatus, run: RunState): ItemStatus {
  return { ...item, state: stateOfItem(item.steps, run) };
}

function stateOfItem(steps: readonly StepStatus[], run: RunState): ItemState {
  if (steps.some(({ state }) => state === "failed")) return "failed";
  if (steps.every(({ state }) => state === "done")) return "done";
  if (steps.some(({ state }) => state === "not-run")) return "not-run";
  return steps.some(({ attempts }) => attempts > 0) ? run : "pending";
}

function outOfOrder(type: string, what: string): MigrationError {
  return new MigrationError("E_UNEXPECTED", `Event "${type}" cannot apply to ${what}`);
}

function planChanged(event: RunStarted): MigrationError {
  return new MigrationError(
    "E_PLAN_CHANGED",
    `The plan of "${event.name}" is not the one it began with`,
    {
      hint: "Do all of it again with --rerun, or give another deployment name",
    },
  );
}
