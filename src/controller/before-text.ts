import type { Status } from "../state/status.ts";

/** Else a run that has nothing to do would look as if it had done it all anew. */
export function beforeText(before: Status | undefined, rerun = false): string | undefined {
  if (before === undefined || rerun) return undefined;
  const when = new Date(before.finishedAt ?? before.updatedAt).toISOString();
  return before.state === "done"
    ? `Done already, at ${when}; --rerun does all of it again`
    : `Going on with the run that was ${before.state} at ${when}`;
}
