import type { Clock } from "../core/clock.ts";
import { redactText } from "../core/secrets.ts";
import { Event, type NewEvent } from "./events.ts";
import type { Status } from "./status.ts";

/**
 * Completes events: the time, a step's duration from the monotonic clock and its last progress,
 * secrets masked in errors. The result is what parsing it back from JSON gives.
 */
export function makeStamp(clock: Clock) {
  const started = new Map<string, number>();
  return function stamp(event: NewEvent, status: Status | undefined): Event {
    const at = Math.round(clock.now());
    if (!("step" in event)) return Event.parse(plain({ ...event, at }));
    const key = JSON.stringify([event.item, event.step]);
    if (event.type === "step-started") started.set(key, clock.elapsed());
    const begin = started.get(key) ?? clock.elapsed();
    const milliseconds = Math.round(Math.max(0, clock.elapsed() - begin));
    const progress = progressOf(status, event.item, event.step);
    const error = "error" in event ? plain(event.error, redactText) : undefined;
    return Event.parse(plain({ ...event, at, milliseconds, progress, error }));
  };
}

function progressOf(status: Status | undefined, item: string, step: string) {
  const steps = status?.items.find(({ id }) => id === item)?.steps;
  return steps?.find(({ id }) => id === step)?.progress;
}

/** A copy as JSON keeps it; big integers, which JSON has not, as their digits. */
function plain(value: unknown, text: (text: string) => string = String): unknown {
  const json = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return part.toString();
    return typeof part === "string" ? text(part) : part;
  });
  return JSON.parse(json);
}
