import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { isRunning, logTail, startDaemon } from "./daemon.ts";

const name = "dockerd";

/** Starts Docker where it does not run; `down` then stops it. */
export async function ensureDocker(): Promise<void> {
  if (await answers()) return;
  if (!isRunning(name)) startDaemon({ name, program: "dockerd", args: [] });
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(200)) {
    if (await answers()) return;
    if (!isRunning(name)) break;
  }
  throw new Error(`Cannot start dockerd, its log ends:\n${logTail(name)}`);
}

async function answers(): Promise<boolean> {
  const { exitCode } = await execa("docker", ["version"], { reject: false });
  return exitCode === 0;
}
