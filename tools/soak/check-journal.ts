import { crc32 } from "node:zlib";

/** What of a journal's line is looked at. */
interface Entry {
  seq: number;
  fencing: number;
  event: { type: string; item?: string; step?: string; run?: string };
}

export interface JournalCheck {
  /** Takes the whole journal as it is now; returns what is wrong with what was not seen before. */
  see(text: string): string[];
  /** Lines that were seen. */
  readonly lines: number;
}

/**
 * Reads a journal again and again, as a bystander. A whole line stays for good; numbers go up by
 * one; once a manager with a higher fencing number has written, none with a lower one does; and a
 * step that is done is not begun again in its run.
 */
export function makeJournalCheck(): JournalCheck {
  const seen: string[] = [];
  const done = new Set<string>();
  let last: Entry | undefined;
  function take(line: string): string[] {
    const entry = decode(line);
    if (entry === undefined) return [`line ${seen.length} of the journal is damaged`];
    const found = [...orderViolations(last, entry), ...doneViolations(done, entry)];
    last = entry;
    return found;
  }
  return {
    get lines() {
      return seen.length;
    },
    see(text) {
      const lines = text.split("\n").slice(0, -1);
      const changed = seen.findIndex((line, at) => lines[at] !== line);
      if (changed >= 0) return [`line ${changed + 1} of the journal is gone, or is another one`];
      return lines.slice(seen.length).flatMap((line) => {
        seen.push(line);
        return take(line);
      });
    },
  };
}

function orderViolations(last: Entry | undefined, { seq, fencing, event }: Entry): string[] {
  if (last === undefined) return [];
  const what = `${event.type} (event ${seq}, fencing number ${fencing})`;
  const found: string[] = [];
  if (fencing < last.fencing)
    found.push(`${what} was written after fencing number ${last.fencing}`);
  if (seq !== last.seq + 1) found.push(`${what} follows event ${last.seq}`);
  return found;
}

function doneViolations(done: Set<string>, { event }: Entry): string[] {
  const step = `${event.item}/${event.step}`;
  if (event.type === "run-started" && !done.has(`run ${event.run}`)) {
    done.clear();
    done.add(`run ${event.run}`);
  }
  if (event.type === "step-done") done.add(step);
  return event.type === "step-started" && done.has(step) ? [`step ${step} is done again`] : [];
}

/** As docs say that a line is: the checksum of the rest comes first. */
function decode(line: string): Entry | undefined {
  const [, crc, rest] = /^\{"crc":"([0-9a-f]{8})",(.*)$/s.exec(line) ?? [];
  if (crc === undefined || rest === undefined) return undefined;
  const content = `{${rest}`;
  if (crc32(content).toString(16).padStart(8, "0") !== crc) return undefined;
  return JSON.parse(content);
}
