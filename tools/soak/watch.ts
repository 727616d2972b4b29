import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeJournalCheck } from "./check-journal.ts";
import { type SeenStatus, statusViolations } from "./check-status.ts";

/** Looks on from outside, all along. */
export interface Watch {
  /** As it was seen last. */
  status(): SeenStatus | undefined;
  /** Looks now; for what must not be missed. */
  look(): void;
  readonly looks: number;
  readonly lines: number;
  stop(): void;
}

const intervalMs = 200;

export function watchState(folder: string, violation: (text: string) => void): Watch {
  const journal = makeJournalCheck();
  let status: SeenStatus | undefined;
  let looks = 0;
  function look() {
    looks += 1;
    for (const text of journal.see(readText(join(folder, "events.ndjson")))) violation(text);
    const text = readText(join(folder, "status.json"));
    if (text === "") return;
    const now = parse(text);
    if (now === undefined) return violation("status.json is not whole");
    if (status !== undefined) statusViolations(status, now).forEach(violation);
    status = now;
  }
  const timer = setInterval(look, intervalMs);
  return {
    status: () => status,
    look,
    get looks() {
      return looks;
    },
    get lines() {
      return journal.lines;
    },
    stop() {
      clearInterval(timer);
    },
  };
}

/** Empty where there is none yet. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function parse(text: string): SeenStatus | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
