import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError } from "../core/errors.ts";
import { readStatus } from "../state/recover.ts";
import type { Status } from "../state/status.ts";

const pollMilliseconds = 200;

/** Shows the status of a migration's folder until `ended`, and once more at the end. */
export async function followStatus(
  folder: string,
  ended: Promise<number>,
  show: (status: Status) => void,
): Promise<number> {
  let exitCode: number | undefined;
  const end = ended.then((code) => {
    exitCode = code;
  });
  while (exitCode === undefined) {
    await Promise.race([sleep(pollMilliseconds), end]);
    const status = await statusOrNothing(folder);
    if (status) show(status);
  }
  return exitCode;
}

/** At its start a migration has no status yet, and it may be replaced while it is read. */
async function statusOrNothing(folder: string): Promise<Status | undefined> {
  try {
    return await readStatus(folder);
  } catch (error) {
    if (error instanceof MigrationError) return undefined;
    throw error;
  }
}
