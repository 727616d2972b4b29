import { z } from "zod";
import { OutsideReference } from "./outside.ts";
import { ownershipModes } from "./steps.ts";

const count = z.number();
const VerdictCounts = z.object({
  migrated: count,
  updated: count,
  identical: count,
  conflict: count,
  rejected: count,
  missing: count,
});

const Examples = z.object({ count, examples: z.array(z.unknown()) });

/** What of owners, groups and modes is not kept. */
const OwnershipForecast = z.object({
  mode: z.enum(ownershipModes),
  /** Most entries first; without `to` it becomes the destination's own. */
  changes: z.array(
    z.object({
      what: z.enum(["user", "group"]),
      from: count,
      to: count.optional(),
      entries: count,
    }),
  ),
  /** Changes that are not listed. */
  more: count,
  /** Files that lose setuid or setgid. */
  setId: count,
});
export type OwnershipForecast = z.infer<typeof OwnershipForecast>;

const ItemForecast = z.object({
  id: z.string(),
  scope: z.string(),
  owners: z.array(z.string()),
  outside: z.array(OutsideReference),
  leftOut: z.array(z.string()),
  /** Paths that documents name and the source does not have. */
  missing: Examples,
  /** Documents whose id or owner cannot be a name in a path. */
  unsafe: Examples,
  documents: z.array(
    z.object({
      collection: z.string(),
      documents: count,
      bytes: count,
      verdicts: VerdictCounts,
      /** Conflicts, with ids and reasons. */
      examples: z.array(z.unknown()),
      /** Documents whose clashes with unique indexes were not looked for. */
      unchecked: count,
    }),
  ),
  files: z
    .object({
      entries: count,
      bytes: count,
      verdicts: VerdictCounts,
      bytesToSend: count,
      /** Conflicts and what cannot be carried, with paths and reasons. */
      examples: z.array(z.unknown()),
      ownership: OwnershipForecast.optional(),
    })
    .optional(),
  /** What would be removed, and what of it would be kept all the same. */
  prune: z
    .object({
      documents: count,
      files: count,
      kept: count,
      examples: z.array(z.object({ name: z.string(), kept: z.string().optional() })),
    })
    .optional(),
});
export type ItemForecast = z.infer<typeof ItemForecast>;

const Space = z.object({ neededBytes: count, freeBytes: count });

/** What a run would do, as the manager found by looking; nothing was written. */
export const Forecast = z.object({
  items: z.array(ItemForecast),
  /** At the destination's volume for files, and at the work directory for the archives at most. */
  space: z.object({ destination: Space, workDir: Space }),
});
export type Forecast = z.infer<typeof Forecast>;
