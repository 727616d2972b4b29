import { parseDuration } from "../core/duration.ts";
import { MigrationError } from "../core/errors.ts";

/** The seconds that a flag was given; undefined where it was not. */
export function readSeconds(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw new MigrationError("E_USAGE", `Flag ${flag} cannot be "${text}"`, {
    hint: "Give a time such as 90s, 10m or 1h",
  });
}
