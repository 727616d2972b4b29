import { z } from "zod";

const count = z.number();

const Failure = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
});
export type ProbeFailure = z.infer<typeof Failure>;

/** A part of a probe, or why it could not be had: one never hides another. */
function answer<T extends z.ZodType>(value: T) {
  return z.union([z.object({ value }), z.object({ failure: Failure })]);
}
export type ProbeAnswer<T> = { value: T } | { failure: ProbeFailure };

const Space = z.object({ freeBytes: count, freeFiles: count.optional() });

/** By how much another clock is ahead of the manager's, and how exactly that could be measured. */
const ClockOffset = z.object({ offsetMs: count, uncertaintyMs: count });

/** One host of a database as it is seen from the manager. */
const Reach = z.object({
  /** With its port. */
  host: z.string(),
  addresses: z.array(z.string()),
  /** Why it cannot be connected to. */
  problem: z.string().optional(),
});
export type Reach = z.infer<typeof Reach>;

const Database = z.object({
  hosts: z.string(),
  version: z.string(),
  /** Of the data's format, where the user may ask for it. */
  compatibility: z.string().optional(),
  replicaSet: z.string().optional(),
  driver: z.enum(["current", "legacy"]),
  /** Undefined where the server lets everybody in. */
  user: z.string().optional(),
  clock: ClockOffset,
});
export type ProbedDatabase = z.infer<typeof Database>;

const Files = z.object({
  entries: count,
  bytes: count,
  /** False where the time was over before all names were seen. */
  isComplete: z.boolean(),
  unreadable: z.object({
    count,
    examples: z.array(z.object({ path: z.string(), reason: z.string() })),
  }),
  /** What belongs to whom, the most first; `owners` counts all of them. */
  owners: count,
  mostOwned: z.array(z.object({ uid: count, gid: count, entries: count })),
  /** With setuid or setgid on a file. */
  setId: count,
  /** Devices, pipes and sockets. */
  special: count,
});
export type ProbedFiles = z.infer<typeof Files>;

/** Documents whose state says that something works on them. */
const Activity = z.object({
  collection: z.string(),
  what: z.string(),
  value: z.string(),
  documents: count,
  /** False where it is not known what that state means. */
  isRunning: z.boolean(),
});
export type ProbedActivity = z.infer<typeof Activity>;

const Receiver = z.object({
  /** Of the program of ours there; absent in a pod that is not ours. */
  version: z.string().optional(),
  uid: count,
  gid: count,
  architecture: z.string(),
  rsync: z.string().optional(),
  clock: ClockOffset,
  /** From when it was made until it could be asked. */
  startSeconds: count,
  /** How files get there. */
  route: z.enum(["direct", "exec"]),
  /** Why it is not direct. */
  reason: z.string().optional(),
});
export type ProbedReceiver = z.infer<typeof Receiver>;

const Powers = z.object({ preserve: z.boolean() });

const Source = z.object({
  space: answer(Space),
  /** Whether the migration's own folder can be written to. */
  workDir: answer(z.object({ dir: z.string() })),
  files: answer(Files),
  reach: z.array(Reach),
  database: answer(Database).optional(),
  /** The collections that the user may read. */
  rights: answer(z.object({ collections: count })).optional(),
  activity: answer(z.array(Activity)).optional(),
});

const Destination = z.object({
  /** Of a destination in a cluster. */
  api: answer(z.object({ version: z.string() })).optional(),
  apiClock: answer(ClockOffset).optional(),
  receiver: answer(Receiver).optional(),
  space: answer(Space),
  powers: answer(Powers),
  reach: z.array(Reach),
  link: answer(z.object({ link: z.string(), reason: z.string() })).optional(),
  database: answer(Database).optional(),
  /** What the user lacks is its failure. */
  rights: answer(z.object({})).optional(),
});
export type ProbedDestination = z.infer<typeof Destination>;
export type ProbedSource = z.infer<typeof Source>;

/** What can only be seen from within the manager's pod. Nothing was written to find it. */
export const Probe = z.object({
  version: z.literal(1),
  source: Source,
  destination: Destination,
  /** Both sides' databases against each other; absent without two. */
  databases: answer(z.object({ isSame: z.boolean() })).optional(),
});
export type Probe = z.infer<typeof Probe>;
