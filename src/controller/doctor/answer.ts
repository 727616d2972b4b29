import { asMigrationError, type MigrationError } from "../../core/errors.ts";

/** A fact, or why there is none: what cannot be had must not hide the rest. */
export type Answer<T> =
  | { value: T; error?: undefined }
  | { value?: undefined; error: MigrationError };

/** Throws only where it was asked to stop. */
export async function answerOf<T>(work: () => Promise<T>, signal: AbortSignal): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    signal.throwIfAborted();
    return { error: asMigrationError(error) };
  }
}

/** Throws what kept it from being had. */
export function requireValue<T>({ value, error }: Answer<T>): T {
  if (error !== undefined) throw error;
  return value;
}

export function isForbidden({ error }: Answer<unknown>): boolean {
  return error?.code === "E_PERMISSION";
}
