import type { UndoneExample, UndonePart } from "../plan/undone.ts";
import { type KeptLines, openKept } from "./prune-list.ts";

type Action = UndoneExample["action"];

/** Counts what is taken back and what is not, and lists it. */
export interface UndoTally {
  counts: Record<UndonePart, Record<Action, number>>;
  examples: UndoneExample[];
  /** How many documents of each collection are taken away. */
  removedFrom: Map<string, number>;
  add(example: UndoneExample): void;
  close(): Promise<void>;
}

const shownOfEach = 20;

function none(): Record<Action, number> {
  return { removed: 0, putBack: 0, kept: 0, impossible: 0 };
}

/** Without a file the first ones alone are kept. */
export async function openTally(file: string | undefined): Promise<UndoTally> {
  const lines: KeptLines | undefined = file === undefined ? undefined : await openKept(file, "a");
  const counts = { documents: none(), collections: none(), files: none(), folders: none() };
  const examples: UndoneExample[] = [];
  return {
    counts,
    examples,
    removedFrom: new Map(),
    add(example) {
      const { part, action } = example;
      counts[part][action]++;
      lines?.add(example);
      if (counts[part][action] <= shownOfEach) examples.push(example);
    },
    close: async () => await lines?.close(),
  };
}
