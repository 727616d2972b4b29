import { appendFileSync, writeFileSync } from "node:fs";

/** What happened, in order: one JSON object on each line. */
export interface History {
  readonly path: string;
  tell(what: string, details?: object): void;
}

export function openHistory(path: string): History {
  writeFileSync(path, "");
  return {
    path,
    tell(what, details = {}) {
      const line = { at: new Date().toISOString(), what, ...details };
      appendFileSync(path, `${JSON.stringify(line)}\n`);
    },
  };
}
