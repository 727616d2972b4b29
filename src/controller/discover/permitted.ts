import { hasCode } from "../../core/errors.ts";

/** The answer, or undefined where it may not be had: discovery goes on with what it may see. */
export async function ifPermitted<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (hasCode(error, "E_PERMISSION")) return undefined;
    throw error;
  }
}
