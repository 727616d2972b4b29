import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError } from "../../core/errors.ts";
import { type Connected, changesBetween, type Fingerprint } from "../../plan/fingerprint.ts";

export interface Silence {
  /** Has the manager look at the source. */
  ask(): Promise<Fingerprint>;
  /** Between two looks. */
  seconds: number;
  signal: AbortSignal;
}

/**
 * Two equal fingerprints prove that nobody wrote in between. Otherwise throws E_REFUSED with what
 * has changed, and who is connected where the server tells.
 */
export async function proveSilence({ ask, seconds, signal }: Silence): Promise<Fingerprint> {
  const before = await ask();
  await sleep(seconds * 1000, undefined, { signal });
  const after = await ask();
  signal.throwIfAborted();
  const changes = changesBetween(before, after);
  if (changes.length === 0) return after;
  throw new MigrationError(
    "E_REFUSED",
    `The source is still written to although its writers are down; within ${seconds} s changed ${changes.join(", ")}`,
    { hint: hintOf(after.connected), fields: { changes, connected: after.connected } },
  );
}

function hintOf(connected: readonly Connected[] | undefined): string {
  if (connected === undefined || connected.length === 0) {
    return "Find what else writes, stop it, and start again";
  }
  const clients = connected.map(({ host, application, connections }) => {
    const named = application === undefined ? host : `"${application}" at ${host}`;
    return `${named} (${connections})`;
  });
  return `Stop what else writes, and start again; connected to the database: ${clients.join(", ")}`;
}

/** What a proof of silence leaves open; undefined where nothing. */
export function doubtOf({ database, files }: Fingerprint): string | undefined {
  if (database?.evidence === "size") {
    return "The database server tells only counts and sizes: an update that keeps both would not be seen";
  }
  if (files !== undefined && files.unreadable > 0) {
    return `${files.unreadable} files and folders cannot be read: changes within them would not be seen`;
  }
  return undefined;
}
