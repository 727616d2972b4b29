import type { Bed } from "./bed.ts";
import type { History } from "./history.ts";
import type { makeManager } from "./manager.ts";
import type { FaultKind, Round } from "./schedule.ts";
import type { watchState } from "./watch.ts";

export interface RoundResult {
  round: Round;
  faults: (FaultKind | "manager asleep past its lock")[];
  /** How often the migration came to its end, and was judged. */
  stages: number;
  documents: number;
  files: number;
  /** How often the state was looked at. */
  looks: number;
  violations: string[];
  milliseconds: number;
}

export interface RoundPorts {
  bed: Bed;
  history: History;
  signal: AbortSignal;
}

/** A round that is played. */
export interface Play extends RoundPorts {
  round: Round;
  result: RoundResult;
  watch: ReturnType<typeof watchState>;
  manager: ReturnType<typeof makeManager>;
  violation(text: string): void;
}
