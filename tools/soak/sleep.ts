import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "./manager.ts";
import type { Play } from "./play.ts";
import { hasEnded } from "./processes.ts";
import type { Sleep } from "./schedule.ts";

/** Of another namespace, whose processes the one that follows cannot see. */
const elsewhere = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

/** A manager that has just woken up has to look at its lock, and at nothing else. */
const wakingMs = 120_000;

/**
 * Stops a manager in a namespace of its own until another one has taken its lock for dead, and wakes
 * it up again. The ledger stays its own as long as it only sleeps, so the other one ends with 7 as
 * well, and goes on once it is begun again. False where there are no such namespaces, or where it
 * was done before it could be stopped.
 */
export async function sleepAndBeFollowed(play: Play, { after, lasts }: Sleep): Promise<boolean> {
  const { manager, history, violation, bed, watch, signal } = play;
  if (spawnSync(elsewhere[0] ?? "", [...elsewhere.slice(1), "true"]).status !== 0) return false;
  const sleeper = manager.begin("sleeper", elsewhere);
  while (watch.status() === undefined && !hasEnded(sleeper.child)) {
    await sleep(pollMs, undefined, { signal });
  }
  await sleep(after, undefined, { signal });
  const pid = childOf(sleeper);
  if (pid === undefined) return false;
  process.kill(pid, "SIGSTOP");
  history.tell("fault", { kind: "manager asleep past its lock", pid });
  const follower = manager.begin("follower");
  await Promise.race([follower.ended, hasFollowed(play)]);
  await sleep(lasts, undefined, { signal });
  const before = await countWrites(bed);
  process.kill(pid, "SIGCONT");
  const end = await Promise.race([sleeper.ended, sleep(wakingMs, "works on", { ref: false })]);
  const late = (await countWrites(bed)) - before;
  history.tell("healed", { kind: "manager asleep past its lock", end, late });
  if (end !== 7) violation(`The manager that woke up: ${end}, not 7`);
  if (late > largestBatch) violation(`The manager that woke up wrote ${late} documents`);
  sleeper.child.kill("SIGKILL");
  await manager.work({ generation: 1, begun: () => 1 });
  return true;
}

/** What was on its way when it fell asleep is harmless, and cannot be taken back. */
const largestBatch = 1000;

const pollMs = 100;

async function hasFollowed({ watch, signal }: Play) {
  const before = watch.status()?.holder?.fencing ?? 0;
  while ((watch.status()?.holder?.fencing ?? 0) <= before) {
    await sleep(pollMs, undefined, { signal });
  }
}

/** Documents that the server was asked to insert or replace so far. */
async function countWrites({ destination }: Play["bed"]): Promise<number> {
  return await destination.withClient(async (client) => {
    const { opcounters } = await client.db("admin").command({ serverStatus: 1 });
    return opcounters.insert + opcounters.update;
  });
}

function childOf({ child }: Running): number | undefined {
  if (hasEnded(child)) return undefined;
  const text = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
  const [pid] = text.split(" ").filter(Boolean);
  return pid === undefined ? undefined : Number(pid);
}
