import { expect, it } from "vitest";
import { type Bound, boundOf } from "../../../src/state/bound.ts";
import type { StepProfile } from "../../../src/state/step-profile.ts";

/** Ten seconds in which nothing happened, but for what is said. */
function profileWith(change: Partial<StepProfile>): StepProfile {
  return {
    cpus: 4,
    cpu: { manager: 1000, programs: 0 },
    thread: { busy: 1000, cpu: 900, queued: 100 },
    busiestProgram: 0,
    peakRss: { manager: 100_000_000, programs: 0 },
    waits: {},
    depths: {},
    shared: false,
    ...change,
  };
}

it.each<[string, string, Partial<StepProfile>, [Bound["name"], number]]>([
  [
    "a main thread without a pause",
    "db-restore",
    { thread: { busy: 9500, cpu: 8800, queued: 200 }, waits: { destinationDatabase: 9900 } },
    ["processor", 0.9],
  ],
  [
    "all processors together",
    "db-backup",
    { cpus: 2, cpu: { manager: 18_000, programs: 0 }, waits: { sourceDatabase: 4000 } },
    ["processor", 0.9],
  ],
  [
    "a main thread that waits for a processor",
    "inventory",
    { thread: { busy: 9900, cpu: 4000, queued: 5500 } },
    ["processor", 0.95],
  ],
  [
    "a main thread that reads files and does little else",
    "inventory",
    { thread: { busy: 9000, cpu: 2500, queued: 500 }, waits: { sourceDatabase: 500 } },
    ["source disk", 0.6],
  ],
  [
    "a database that is asked and answers late",
    "db-backup",
    { waits: { sourceDatabase: 7000, archive: 1500 } },
    ["source database", 0.7],
  ],
  [
    "an archive that takes no more",
    "db-backup",
    { waits: { archive: 6000 } },
    ["source disk", 0.6],
  ],
  [
    "a database that is written to",
    "db-restore",
    { waits: { destinationDatabase: 9000, archive: 1000 } },
    ["destination database", 0.9],
  ],
  [
    "a link whose other end takes no more",
    "files-sync",
    { busiestProgram: 3000, waits: { network: 8000, program: 1900 } },
    ["network", 0.8],
  ],
  [
    "an rsync that is busy itself",
    "files-sync",
    { busiestProgram: 9200, waits: { program: 9000, network: 500 } },
    ["processor", 0.92],
  ],
  [
    "an rsync that reads",
    "files-sync",
    { busiestProgram: 1000, waits: { program: 9000, sourceFiles: 7000 } },
    ["source disk", 0.7],
  ],
  [
    "an rsync that is asked for too little",
    "files-sync",
    { busiestProgram: 1000, waits: { program: 9000 } },
    ["destination disk", 0.8],
  ],
  [
    "a limit of ours",
    "files-sync",
    { waits: { bandwidthLimit: 9700, program: 200 } },
    ["bandwidth limit", 0.97],
  ],
  [
    "a destination that hashes",
    "files-verify",
    { waits: { sourceFiles: 2000, destinationFiles: 8500 } },
    ["destination disk", 0.85],
  ],
])("names what bounds a step: %s", (_, kind, change, [name, share]) => {
  const bound = boundOf({ kind, milliseconds: 10_000, profile: profileWith(change) });
  expect(bound).toMatchObject({ name, share: expect.closeTo(share, 5) });
  expect(bound.advice).toMatch(/^[A-Z].*[^.]$/);
});

it("tells where an archive can be put, and that it can be packed less", () => {
  const slow = profileWith({ waits: { archive: 9000 } });
  const busy = profileWith({ cpu: { manager: 40_000, programs: 0 } });
  const advice = (profile: StepProfile) =>
    boundOf({ kind: "db-backup", milliseconds: 10_000, profile }).advice;
  expect(advice(slow)).toContain("--work-dir");
  expect(advice(busy)).toContain("--compression store");
});
