import { z } from "zod";

const milliseconds = z.number().nonnegative();
const bytes = z.number().nonnegative();

/** Where the time of one attempt at a step went; all times are milliseconds. */
export const StepProfile = z.object({
  /** What the manager may use at most. */
  cpus: z.number().positive(),
  /** User and system time of the manager, and of the programs that the step started. */
  cpu: z.object({ manager: milliseconds, programs: milliseconds }),
  /** The manager's main thread: not idle, on a processor, and waiting for one. */
  thread: z.object({ busy: milliseconds, cpu: milliseconds, queued: milliseconds }),
  /** The most that one program of ours used, moment by moment. */
  busiestProgram: milliseconds,
  peakRss: z.object({ manager: bytes, programs: bytes }),
  /** By what was waited for; see core/profile.ts. */
  waits: z.record(z.string(), milliseconds),
  depths: z.record(z.string(), z.object({ mean: z.number(), most: z.number() })),
  /** Another step ran meanwhile: what is measured of the process is of both. */
  shared: z.boolean(),
});
export type StepProfile = z.infer<typeof StepProfile>;
