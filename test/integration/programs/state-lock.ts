import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { systemClock } from "../../../src/core/clock.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import { acquireLock, type Lock } from "../../../src/state/lock.ts";

/** Takes and releases the folder's lock as standard input says; "take" answers with what came of it. */
const folder = process.argv[2] ?? "";
const options = { clock: systemClock, signal: new AbortController().signal, pollMilliseconds: 2 };
let held: Lock | undefined;
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "take") process.stdout.write(`${await take(0)}\n`);
  if (line === "turns") process.stdout.write(`${await takeTurns()}\n`);
  if (line === "release") {
    await held?.release();
    process.stdout.write("released\n");
  }
}

async function take(waitSeconds: number): Promise<string> {
  try {
    held = await acquireLock(folder, { ...options, waitSeconds });
    return `won ${held.fencing}`;
  } catch (error) {
    return error instanceof MigrationError ? error.code : String(error);
  }
}

/** Holds the lock for a moment, ten times, and writes down when. */
async function takeTurns(): Promise<string> {
  for (let turn = 0; turn < 10; turn += 1) {
    await take(60);
    held?.check();
    appendFileSync(`${folder}/history`, `in ${held?.fencing}\n`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    held?.check();
    appendFileSync(`${folder}/history`, `out ${held?.fencing}\n`);
    await held?.release();
  }
  return "turns done";
}
