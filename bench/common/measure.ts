import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { statFields } from "../../src/core/process-stat.ts";
import { dieWithParent } from "../../test/support/mongod.ts";

/** What one piece of work took. */
export interface Cost {
  wallMs: number;
  /** User and system time of all its processes. */
  cpuMs: number;
  /** The largest high-water mark that one of its processes had. */
  peakRssBytes: number;
  /** The size of what it made, where a goal speaks of it. */
  bytes?: number;
}

/** A command that is run to its end. */
export interface Work {
  name: string;
  file: string;
  args: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
  /** The exit codes of a run that did its work; 0 alone unless said otherwise. */
  codes?: readonly number[];
}

/** A command's cost and what it printed. */
export interface Measured extends Cost {
  code: number;
  stdout: string;
}

const sampleMs = 20;
const keptOfErrors = 4000;
/** What /proc counts processor time in, on every Linux. */
const tickMs = 10;

/**
 * Runs one command and measures it with all that it starts. Only one at a time: its processor time
 * is what this process's ended children took meanwhile.
 */
export async function measured(work: Work): Promise<Measured> {
  const [file = work.file, ...args] = [...dieWithParent(), work.file, ...work.args];
  const cpuBefore = cpuMsOfChildren();
  const begin = performance.now();
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...work.env },
    cwd: work.cwd,
  });
  const stdout = collect(child.stdout, Number.POSITIVE_INFINITY);
  const stderr = collect(child.stderr, keptOfErrors);
  const peak = watchPeak(child.pid ?? 0);
  const [code, signal] = await once(child, "close");
  const wallMs = performance.now() - begin;
  const cost = { wallMs, cpuMs: cpuMsOfChildren() - cpuBefore, peakRssBytes: peak.stop() };
  if ((work.codes ?? [0]).includes(code)) return { ...cost, code, stdout: stdout() };
  throw new Error(`${work.name} ended with ${code ?? signal}:\n${stderr() || stdout()}`);
}

/** What pieces of work took that were done one after the other. */
export function inSum(costs: readonly Cost[]): Cost {
  return {
    wallMs: costs.reduce((sum, { wallMs }) => sum + wallMs, 0),
    cpuMs: costs.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    peakRssBytes: Math.max(...costs.map(({ peakRssBytes }) => peakRssBytes)),
  };
}

/** User and system time of a process that goes on, such as a server's. */
export function cpuMsOf(pid: number): number {
  const [user = 0, system = 0] = timesOf(String(pid));
  return (user + system) * tickMs;
}

function cpuMsOfChildren(): number {
  const [, , user = 0, system = 0] = timesOf("self");
  return (user + system) * tickMs;
}

/** Own user and system time, then those of ended children, in ticks. */
function timesOf(pid: string): number[] {
  return statFields(read(`/proc/${pid}/stat`))
    .slice(11, 15)
    .map(Number);
}

/** The high-water mark of a process's memory; 0 for one that is gone. */
export function peakRssOf(pid: number | string): number {
  const kibibytes = /VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

function watchPeak(root: number) {
  let peak = 0;
  const look = () => {
    for (const pid of treeOf(root)) peak = Math.max(peak, peakRssOf(pid));
  };
  const timer = setInterval(look, sampleMs);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

/** A process and all that descend from it. */
function treeOf(root: number): string[] {
  const tree = [String(root)];
  // Grows while it is gone through: children come behind their parents.
  for (const pid of tree) {
    const tasks = list(`/proc/${pid}/task`);
    for (const task of tasks) tree.push(...words(read(`/proc/${pid}/task/${task}/children`)));
  }
  return tree;
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

/** A process may end between two looks. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** The end of a stream's text, at most `limit` characters of it. */
function collect(stream: NodeJS.ReadableStream, limit: number): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (more: string) => {
    text = `${text}${more}`.slice(-limit);
  });
  return () => text;
}
