import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeBed } from "./soak/bed.ts";
import { openHistory } from "./soak/history.ts";
import type { RoundResult } from "./soak/play.ts";
import { runRound } from "./soak/round.ts";
import { scheduleRound } from "./soak/schedule.ts";
import { summarize, tableOf } from "./soak/table.ts";

const help = `npm run soak -- [--minutes N] [--seed N] [--round N] [--history FILE] [--keep] [-o json]

Migrations between two real servers under random faults, one round after the other, until the time
is over. The same seed makes the same faults. Exits with 1 where something was lost or an invariant
did not hold; the bed is kept then.

  --minutes N     begin no new round after this; 10 unless said otherwise
  --seed N        of the schedule; a random one unless said otherwise, and always printed
  --round N       only this round of the seed
  --history FILE  what happened, as JSON lines; below the bed unless said otherwise
  --keep          leave the bed also where all went well
  -o json         the summary as JSON

  npm run soak -- --minutes 5 --seed 7
  npm run soak -- --seed 7 --round 3 --keep

Full volumes need the right to mount a small tmpfs, and sleeping managers that to make a pid
namespace: be root, or run it within "unshare --user --map-root-user --mount --pid --fork
--mount-proc". What cannot be made is left out, and said.
`;

const { values: flags } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    round: { type: "string" },
    history: { type: "string" },
    keep: { type: "boolean", default: false },
    output: { type: "string", short: "o", default: "text" },
    help: { type: "boolean", short: "h", default: false },
  },
});

// The programs are begun again and again: half of a beginning is compiling.
process.env["NODE_COMPILE_CACHE"] ??= resolve("node_modules/.cache/compiled");

if (flags.help) print(help.trimEnd());
else {
  // What was cut at random may leave a handle behind that keeps this process alive.
  process.exit(await soak());
}

async function soak(): Promise<number> {
  const { seed } = flags;
  const stop = new AbortController();
  // npm passes on what the terminal has told everybody: a second one must not keep it from cleaning up.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop.abort());
  const bed = await makeBed();
  const history = openHistory(flags.history ?? join(bed.folder, "history.ndjson"));
  const results: RoundResult[] = [];
  say(`Seed ${seed}; history in ${history.path}`);
  history.tell("soak", { seed, minutes: flags.minutes });
  let isKept = flags.keep;
  try {
    for (const number of numbers()) {
      const result = await runRound(scheduleRound(seed, number), {
        ...{ bed, history, signal: stop.signal },
      });
      results.push(result);
      say(lineOf(result));
      if (result.violations.length > 0) break;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say("Stopped");
  } finally {
    isKept ||= results.some(({ violations }) => violations.length > 0);
    await bed.close(isKept);
  }
  return tell(results, isKept ? bed.folder : undefined);
}

/** Until the time is over, or just the one that was asked for. */
function* numbers(): Generator<number> {
  if (flags.round !== undefined) return void (yield Number(flags.round));
  const end = performance.now() + Number(flags.minutes) * 60_000;
  for (let number = 1; performance.now() < end; number += 1) yield number;
}

function lineOf({ round, faults, stages, milliseconds, violations }: RoundResult): string {
  const { number, way, scope } = round;
  const outcome = violations.length === 0 ? "equal" : `LOST: ${violations.join("; ")}`;
  const seconds = Math.round(milliseconds / 1000);
  return `Round ${number} (${way}, ${scope}): ${faults.length} faults, ${stages} runs, ${seconds} s, ${outcome}`;
}

function tell(results: readonly RoundResult[], kept: string | undefined): number {
  const summary = summarize(flags.seed, results);
  const broken = results.filter(({ violations }) => violations.length > 0);
  const lines = [
    ...tableOf(summary),
    ...(kept === undefined ? [] : [`The bed is kept in ${kept}`]),
    ...broken.map(
      ({ round }) => `Again: npm run soak -- --seed ${flags.seed} --round ${round.number}`,
    ),
  ];
  if (flags.output === "json") {
    for (const line of lines) say(line);
    print(JSON.stringify(summary));
  } else {
    for (const line of lines) print(line);
  }
  return broken.length === 0 && results.length > 0 ? 0 : 1;
}

function print(line: string) {
  process.stdout.write(`${line}\n`);
}

function say(line: string) {
  process.stderr.write(`${line}\n`);
}
