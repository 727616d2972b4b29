import type { StepStatus } from "./status.ts";
import type { StepProfile } from "./step-profile.ts";

const bounds = [
  "processor",
  "source disk",
  "source database",
  "network",
  "bandwidth limit",
  "destination database",
  "destination disk",
] as const;
type BoundName = (typeof bounds)[number];

/** What a step would have to have more of to be faster. */
export interface Bound {
  name: BoundName;
  /** Of the step's time, 0 to 1. */
  share: number;
  /** What would help, as one sentence. */
  advice: string;
}

export type ProfiledStep = Pick<StepStatus, "kind"> & {
  milliseconds: number;
  profile: StepProfile;
};

/** From here on a processor has no time left for anything else. */
const saturated = 0.8;

/**
 * What bounds a step: the processor where it is busy nearly all the time, else what was waited for
 * the longest.
 */
export function boundOf(step: ProfiledStep): Bound {
  const times = timesOf(step);
  const whole = Math.max(1, step.milliseconds);
  const shares = bounds.map((name) => ({ name, share: Math.min(1, times[name] / whole) }));
  const processor = shares.find(({ name }) => name === "processor");
  const [longest] = [...shares].sort((one, other) => other.share - one.share);
  const chosen = processor && processor.share >= saturated ? processor : longest;
  const { name, share } = chosen ?? { name: "processor" as const, share: 0 };
  return { name, share, advice: adviceFor(name, step) };
}

function timesOf({ milliseconds, profile }: ProfiledStep): Record<BoundName, number> {
  const { cpus, cpu, thread, busiestProgram, waits } = profile;
  const waited = (name: string) => waits[name] ?? 0;
  const ofAll = (cpu.manager + cpu.programs) / cpus;
  // What is neither on a processor nor waits for one, but is not idle, reads or writes a file.
  const blocked = Math.max(0, thread.busy - thread.cpu - thread.queued);
  // A sender that is neither busy nor reads waits for what the other end asks it for.
  const asked = Math.max(0, waited("program") - busiestProgram - waited("sourceFiles"));
  return {
    processor: Math.min(milliseconds, Math.max(thread.cpu + thread.queued, busiestProgram, ofAll)),
    "source disk": waited("sourceFiles") + waited("archive") + blocked,
    "source database": waited("sourceDatabase"),
    network: waited("network"),
    "bandwidth limit": waited("bandwidthLimit"),
    "destination database": waited("destinationDatabase"),
    "destination disk": waited("destinationFiles") + asked,
  };
}

const advices: Record<BoundName, string> = {
  processor: "Give the manager more of a processor (--limits cpu=…)",
  "source disk": "A faster volume at the source would help, or an hour with fewer users",
  "source database": "The source's database answers slowly: choose an hour with fewer users",
  network: "A wider way between the two sides would help, such as --transport direct",
  "bandwidth limit": "Raise the limit: migctl bwlimit",
  "destination database":
    "The destination's database takes no more: give it more processor, memory or a faster volume",
  "destination disk": "A faster storage class at the destination would help",
};

/** The archive is beside the source's files unless it was put elsewhere. */
function adviceFor(name: BoundName, { kind, profile }: ProfiledStep): string {
  const ofArchive = (profile.waits["archive"] ?? 0) > (profile.waits["sourceFiles"] ?? 0);
  if (name === "source disk" && ofArchive) {
    return "Put the archive on a faster volume with --work-dir";
  }
  if (name === "processor" && kind === "db-backup") {
    return `${advices.processor}, or pack the archive less with --compression store`;
  }
  return advices[name];
}
