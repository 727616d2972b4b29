import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../../tools/cluster/settings.ts";
import { cpuMsOf, peakRssOf } from "../common/measure.ts";
import { podGroups } from "./cgroups.ts";

/** What pods and the cluster's own daemons took between two moments, in milliseconds since 1970. */
interface Watched {
  cpuMs(from: number, to: number): number;
  /** Of the daemons alone, which carry what goes through the API. */
  daemonsMs(from: number, to: number): number;
  /** The largest high-water mark of one process of these pods. */
  peakRssBytes(): number;
}

export interface PodWatch extends Watched {
  stop(): void;
}

interface Sample {
  at: number;
  podsMs: number;
  daemonsMs: number;
}

const sampleMs = 100;

/** Watches the pods that come from now on, and of those that are there the chosen ones. */
export function watchPods(chosen: readonly string[] = []): PodWatch {
  const others = new Set(podGroups().flatMap(({ uid }) => (chosen.includes(uid) ? [] : [uid])));
  const last = new Map<string, number>();
  const samples: Sample[] = [];
  let peak = 0;
  const look = () => {
    const groups = podGroups().filter(({ uid }) => !others.has(uid));
    for (const group of groups) {
      last.set(group.uid, group.cpuNs() ?? last.get(group.uid) ?? 0);
      peak = Math.max(peak, ...group.pids().map(peakRssOf));
    }
    const podsMs = [...last.values()].reduce((sum, ns) => sum + ns / 1e6, 0);
    samples.push({ at: Date.now(), podsMs, daemonsMs: daemonsMs() });
  };
  look();
  const timer = setInterval(look, sampleMs);
  const between = (of: (sample: Sample) => number) => (from: number, to: number) =>
    of(sampleAt(samples, to)) - of(sampleAt(samples, from));
  return {
    cpuMs: between(({ podsMs, daemonsMs }) => podsMs + daemonsMs),
    daemonsMs: between((sample) => sample.daemonsMs),
    peakRssBytes: () => peak,
    stop() {
      clearInterval(timer);
      look();
    },
  };
}

/** The last one before a moment, or the first. */
function sampleAt(samples: readonly Sample[], at: number): Sample {
  const found = samples.findLast((sample) => sample.at <= at) ?? samples[0];
  if (found === undefined) throw new Error("Nothing was watched");
  return found;
}

function daemonsMs(): number {
  const pids = readdirSync(paths.pids).map((name) =>
    Number(readFileSync(join(paths.pids, name), "utf8").split(" ")[0]),
  );
  return pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
}
