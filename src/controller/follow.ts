import { setTimeout as sleep } from "node:timers/promises";
import { readStatusIfAny } from "../state/recover.ts";
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
    const status = await readStatusIfAny(folder);
    if (status) show(status);
  }
  return exitCode;
}
