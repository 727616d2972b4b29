import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type AgentReceiver, connectReceiver } from "../../src/receiver/connect-receiver.ts";
import { programs } from "../support/migration.ts";
import { tempDir } from "../support/temp-dir.ts";

export function startManager(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ["--max-semi-space-size=2", programs.migmgr, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, MALLOC_ARENA_MAX: "2" },
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "close");
  });
  return child;
}

export interface RunningReceiver {
  child: ChildProcess;
  socket: string;
  /** The lines of its log so far. */
  log(): { msg: string }[];
}

/** The receiver pod's main process, ready to be attached to. */
export async function startReceive(root: string, ...more: string[]): Promise<RunningReceiver> {
  const socket = join(tempDir(), "own", "agent.sock");
  const child = startManager("receive", "--root", root, "--socket", socket, ...more);
  let text = "";
  const lines = () => text.split("\n").slice(0, -1);
  const ready = new Promise<void>((done, fail) => {
    child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      if (text.includes("Receiver ready")) done();
    });
    child.once("close", () => fail(new Error(text)));
  });
  await ready;
  return { child, socket, log: () => lines().map((line) => JSON.parse(line)) };
}

export interface Attached {
  receiver: AgentReceiver;
  /** The processes that carry its connections, the latest last. */
  carriers: ChildProcess[];
}

/** Connects as through an exec session: by the streams of an attached process. */
export async function attachTo(socket: string): Promise<Attached> {
  const carriers: ChildProcess[] = [];
  const open = async () => {
    const carrier = startManager("attach", "--socket", socket);
    carriers.push(carrier);
    const { stdin, stdout } = carrier;
    if (stdin === null || stdout === null) throw new Error("no pipes");
    return Duplex.from({ readable: stdout, writable: stdin });
  };
  const log = pino({ level: "silent" });
  const receiver = await connectReceiver(open, { label: "receiver", log });
  onTestFinished(() => receiver.close());
  return { receiver, carriers };
}

/** The most memory that a process had so far, in megabytes. */
export function peakMemory({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1024;
}

export function childrenOf({ pid }: ChildProcess): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
