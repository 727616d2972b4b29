import { createLogUpdate } from "log-update";
import type { Clock } from "../core/clock.ts";
import type { Output } from "../core/output.ts";
import type { Status } from "../state/status.ts";
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
  return { show: (status) => update(view(status).join("\n")), end: () => update.done() };
}

/** A line when a step begins, and every few seconds while it goes on. */
function plainDisplay(view: View, out: Output, clock: Clock): ProgressDisplay {
  const shown = new Map<string, { step: string; at: number }>();
  const showWaiting = waitingDisplay(out);
  return {
    show(status) {
      showWaiting(status);
      const lines = view(status);
      for (const [index, item] of status.items.entries()) {
        const running = item.steps.find(({ state }) => state === "running")?.id ?? item.state;
        const last = shown.get(item.id);
        const now = clock.elapsed();
        const isDue = last === undefined || now - last.at >= plainMilliseconds;
        const isNew = last?.step !== running;
        // Between two steps there is nothing to tell.
        if (
          ["pending", "running"].includes(running) ||
          !(isNew || (isDue && status.state === "running"))
        )
          continue;
        if (!isNew && item.state !== "running") continue;
        shown.set(item.id, { step: running, at: now });
        out.note(lines[index] ?? "");
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
