import type { ClockOffset } from "../../core/clock.ts";

const mostMs = 2000;

/** Whether a clock is wrong; what may be due to the measurement alone is no offset. */
export function isOff({ offsetMs, uncertaintyMs }: ClockOffset): boolean {
  return Math.abs(offsetMs) - uncertaintyMs > mostMs;
}
