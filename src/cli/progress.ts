import { createLogUpdate } from "log-update";
import type { Clock } from "../core/clock.ts";
import type { Output } from "../core/output.ts";
import type { ItemStatus, Status } from "../state/status.ts";
import { makeProgressView, waitingLine } from "./progress-view.ts";

export type ProgressMode = "auto" | "tty" | "plain" | "json" | "none";

/** Shows a migration while it runs; on standard error, as results are on standard output. */
export interface ProgressDisplay {
  show(status: Status): void;
  end(): void;
}

const plainMilliseconds = 3000;

export function makeProgress(mode: ProgressMode, out: Output, clock: Clock): ProgressDisplay {
  const chosen = mode === "auto" ? (out.isTerminal ? "tty" : "plain") : mode;
  const view = makeProgressView(clock.elapsed);
  if (chosen === "tty") return terminalDisplay(view);
  if (chosen === "plain") return plainDisplay(view, out, clock);
  if (chosen === "json") return jsonDisplay(out);
  return { show: () => {}, end: () => {} };
}

type View = ReturnType<typeof makeProgressView>;

function terminalDisplay(view: View): ProgressDisplay {
  const update = createLogUpdate(process.stderr);
  return { show: (status) => update(view.lines(status).join("\n")), end: () => update.done() };
}

/** A line when a step begins, every few seconds while it goes on, and when an item has ended. */
function plainDisplay(view: View, out: Output, clock: Clock): ProgressDisplay {
  const shownAt = new Map<string, number>();
  const showWaiting = waitingDisplay(out);
  function isDue(step: string | undefined, item: ItemStatus, { state }: Status): boolean {
    // Between two steps there is nothing to tell.
    if (step === undefined && ["pending", "running"].includes(item.state)) return false;
    const last = shownAt.get(step ?? item.id);
    if (last === undefined || step === undefined) return last === undefined;
    return state === "running" && clock.elapsed() - last >= plainMilliseconds;
  }
  return {
    show(status) {
      showWaiting(status);
      for (const item of status.items) {
        for (const { step, text } of view.linesOf(item)) {
          if (!isDue(step, item, status)) continue;
          shownAt.set(step ?? item.id, clock.elapsed());
          out.note(text);
        }
      }
    },
    end: () => {},
  };
}

/** A line each time that the run begins to wait for somebody. */
function waitingDisplay(out: Output): ProgressDisplay["show"] {
  let shown: number | undefined;
  return ({ waiting }) => {
    if (waiting !== undefined && waiting.since !== shown) out.note(waitingLine(waiting));
    shown = waiting?.since;
  };
}

/** One object for each change, for programs. */
function jsonDisplay(out: Output): ProgressDisplay {
  let seen = -1;
  return {
    show(status) {
      if (status.updatedAt === seen) return;
      seen = status.updatedAt;
      out.note(JSON.stringify({ schemaVersion: 1, type: "status", status }));
    },
    end: () => {},
  };
}
