import { performance } from "node:perf_hooks";
import type { Clock } from "../../core/clock.ts";
import { machineLimits } from "../../core/machine-limits.ts";
import { makeProfile, type Profile } from "../../core/profile.ts";
import type { StepKind } from "../../plan/steps.ts";
import type { StepProfile } from "../../state/step-profile.ts";
import {
  endedProgramsMilliseconds,
  type ProgramNow,
  programsNow,
  threadMilliseconds,
} from "./programs.ts";

/** One step that is measured. */
interface Measurement {
  profile: Profile;
  end(): StepProfile;
}

/** Begins to measure a step of that kind; those that overlap know of each other. */
export type Measure = (kind: StepKind) => Measurement;

const lookMilliseconds = 200;

export function makeMeasure({ elapsed }: Pick<Clock, "elapsed">): Measure {
  const running = new Set<{ shared: boolean }>();
  return (kind) => {
    const self = { shared: running.size > 0 };
    for (const other of running) other.shared = true;
    running.add(self);
    const profile = makeProfile(elapsed);
    const own = measureProcess();
    // No other step starts any, and what runs beside it is not its own.
    const programs = kind.startsWith("files-") ? watchPrograms(profile) : noPrograms;
    return {
      profile,
      end() {
        running.delete(self);
        const { spent, peak, busiest } = programs.end();
        const { waits, depths } = profile.result();
        const { peakRss, cpu, ...rest } = own.end();
        return {
          ...rest,
          cpu: { manager: cpu, programs: spent },
          peakRss: { manager: peakRss, programs: peak },
          busiestProgram: busiest,
          ...{ waits, depths, shared: self.shared },
        };
      },
    };
  };
}

/** What the process itself can tell, from now to the end. */
function measureProcess() {
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  const thread = threadMilliseconds();
  let peakRss = process.memoryUsage.rss();
  const timer = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
  }, lookMilliseconds).unref();
  return {
    end() {
      clearInterval(timer);
      const { user, system } = process.cpuUsage(cpu);
      const now = threadMilliseconds();
      return {
        cpus: machineLimits().cpus,
        cpu: Math.round((user + system) / 1000),
        thread: {
          busy: Math.round(performance.eventLoopUtilization(loop).active),
          cpu: Math.round(now.cpu - thread.cpu),
          queued: Math.round(now.queued - thread.queued),
        },
        peakRss: Math.max(peakRss, process.memoryUsage.rss()),
      };
    },
  };
}

const noPrograms = { end: () => ({ spent: 0, peak: 0, busiest: 0 }) };

/**
 * Looks at the programs that run: a wait for a disk shows in no other way. Of what we started it is
 * the source's disk, and of what those started, where both ends are here, the destination's.
 */
function watchPrograms(profile: Profile) {
  const first = programsNow();
  const known = new Map(first.map(({ pid, cpuMilliseconds }) => [pid, cpuMilliseconds]));
  const before = spentBy(first);
  const tally = { peak: 0, busiest: 0 };
  let onDisk = { source: false, destination: false };
  function settle(next: typeof onDisk) {
    if (next.source !== onDisk.source) profile.waits("sourceFiles", next.source ? 1 : -1);
    if (next.destination !== onDisk.destination) {
      profile.waits("destinationFiles", next.destination ? 1 : -1);
    }
    onDisk = next;
  }
  function look() {
    const programs = programsNow();
    const rss = programs.reduce((total, { rssBytes }) => total + rssBytes, 0);
    const spent = programs.map(({ pid, cpuMilliseconds }) => {
      const since = cpuMilliseconds - (known.get(pid) ?? 0);
      known.set(pid, cpuMilliseconds);
      return since;
    });
    tally.peak = Math.max(tally.peak, rss);
    tally.busiest += Math.max(0, ...spent);
    settle({
      source: programs.some((one) => one.onDisk && one.depth === 1),
      destination: programs.some((one) => one.onDisk && one.depth > 1),
    });
    return programs;
  }
  const timer = setInterval(look, lookMilliseconds).unref();
  return {
    end() {
      clearInterval(timer);
      const spent = Math.max(0, spentBy(look()) - before);
      settle({ source: false, destination: false });
      return { ...tally, spent };
    },
  };
}

/** By all programs so far: those that have ended, and those that run. */
function spentBy(running: readonly ProgramNow[]): number {
  const live = running.reduce((total, { cpuMilliseconds }) => total + cpuMilliseconds, 0);
  return endedProgramsMilliseconds() + live;
}
