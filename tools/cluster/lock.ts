import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../../src/core/errors.ts";
import { startTime } from "./daemon.ts";
import { runFolder } from "./settings.ts";

const path = `${runFolder}.lock`;

/** Runs `work` while no other process brings the cluster up or down. */
export async function locked<T>(work: () => Promise<T>): Promise<T> {
  const owner = `${process.pid} ${startTime(process.pid) ?? ""}`;
  while (!take(owner)) await sleep(200);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(owner: string): boolean {
  try {
    writeFileSync(path, owner, { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if (!isAlive(holder())) rmSync(path, { force: true });
    return false;
  }
}

function holder(): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** A process that was killed gives nothing back. */
export function isAlive(owner: string): boolean {
  const [pid, started] = owner.split(" ");
  return startTime(Number(pid)) === started;
}
