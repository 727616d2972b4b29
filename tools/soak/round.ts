import { readdirSync } from "node:fs";
import { changeSource, database } from "./data.ts";
import { countDocuments, judge, judgeSums } from "./judge.ts";
import { planRound } from "./make-plan.ts";
import { makeManager } from "./manager.ts";
import { startNemesis } from "./nemesis.ts";
import type { Play, RoundPorts, RoundResult } from "./play.ts";
import type { Round } from "./schedule.ts";
import { sleepAndBeFollowed } from "./sleep.ts";
import { watchState } from "./watch.ts";

/** A migration under faults, and again with what changed meanwhile, until all of them were made. */
export async function runRound(round: Round, ports: RoundPorts): Promise<RoundResult> {
  const { bed, history } = ports;
  const start = performance.now();
  const result: RoundResult = {
    ...{ round, faults: [], stages: 0, documents: 0, files: 0, looks: 0, violations: [] },
    milliseconds: 0,
  };
  function violation(text: string) {
    if (result.violations.includes(text)) return;
    result.violations.push(text);
    history.tell("violation", { round: round.number, text });
  }
  history.tell("round", { ...round });
  try {
    await bed.reset(round.key, round.way);
    const { path, state } = await planRound(bed, round);
    ports.signal.throwIfAborted();
    const watch = watchState(state, violation);
    const { folder, processes } = bed;
    const shared = { history, signal: ports.signal, violation };
    const manager = makeManager({ folder, plan: path, processes, ...shared });
    const play = { ...ports, round, result, watch, manager, violation };
    try {
      await (round.sleep === undefined ? playFaults(play) : playSleep(play, round.sleep));
    } finally {
      watch.stop();
      result.looks = watch.looks;
    }
  } catch (error) {
    ports.signal.throwIfAborted();
    violation(error instanceof Error ? error.message : String(error));
  }
  result.milliseconds = Math.round(performance.now() - start);
  history.tell("round ends", { ...result, round: round.number });
  return result;
}

async function playFaults(play: Play) {
  const { round, bed, history, manager, watch, violation } = play;
  const target = { bed, manager, violation };
  const onOver = manager.expectSuccess;
  const nemesis = startNemesis(round.faults, { target, history, onOver });
  const begun = () => {
    watch.look();
    return watch.status()?.generation ?? 0;
  };
  try {
    for (let generation = 1; ; generation += 1) {
      const end = await manager.work({ generation, begun });
      await nemesis.calmly(() => judgeStage(play, end));
      if (nemesis.isOver()) break;
      const change = `${round.key}/${generation}`;
      await nemesis.calmly(() =>
        bed.source.withClient((client) =>
          changeSource(client.db(database), bed.source.dir, change),
        ),
      );
    }
  } finally {
    await nemesis.stop();
    play.result.faults = [...nemesis.made];
  }
}

async function playSleep(play: Play, asleep: NonNullable<Round["sleep"]>) {
  const isMade = await sleepAndBeFollowed(play, asleep);
  if (!isMade) return play.history.tell("fault left out", { kind: "manager asleep past its lock" });
  play.result.faults.push("manager asleep past its lock");
  await judgeStage(play, 0);
}

/** Whether everything is there, and was counted. */
async function judgeStage({ bed, result, watch, history, violation }: Play, end: number) {
  watch.look();
  if (end !== 0) violation(`It came to its end with ${end}, and there is nothing to look at`);
  const counts = await countDocuments(bed);
  for (const text of [...(await judge(bed)), ...judgeSums(counts, watch.status())]) violation(text);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  result.stages += 1;
  result.documents = total;
  result.files = readdirSync(bed.source.dir, { recursive: true }).length;
  history.tell("judged", {
    stage: result.stages,
    documents: counts,
    wrong: result.violations.length,
  });
}
