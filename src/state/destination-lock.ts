import { setTimeout as sleep } from "node:timers/promises";
import { failpoint } from "../core/failpoints.ts";
import type { LockPlace } from "../core/lock-place.ts";
import { type Claim, type ClaimOptions, overlap, readAll } from "./claim.ts";
import { type HeldClaim, holdClaim } from "./held-claim.ts";
import { currentOwner, type LockOwner } from "./lock-owner.ts";
import { type ClaimRecord, newRecord } from "./lock-record.ts";
import {
  type HolderState,
  lockTimes,
  makePatience,
  type WatchOptions,
  watchHolder,
} from "./lock-watch.ts";

/**
 * Takes the lock of some scopes of a destination: throws E_LOCKED where a migration of the same
 * scope, or one of either's whole server, lives there, and follows a dead one by removing its lock.
 *
 * A claim is written first, and holds only if no other one is seen after that: of two that come at
 * the same time at least one sees the other, and who sees one takes its own back. As each has a
 * name of its own, none can be removed in place of another.
 */
export async function claimDestination(
  place: LockPlace,
  claim: Claim,
  options: ClaimOptions,
): Promise<HeldClaim> {
  const { owner = currentOwner(), pollMilliseconds = lockTimes.pollMilliseconds } = options;
  const look = makeLook(place, claim, { ...lockTimes, ...options, owner });
  const wait = makePatience(options.label, options);
  for (;;) {
    const { open } = await look();
    if (open !== undefined) await wait(open.state, open.record);
    else {
      const held = await tryClaim({ place, claim, options, owner, look });
      if (held !== undefined) return held;
      await sleep(Math.random() * pollMilliseconds);
    }
  }
}

interface Attempt {
  place: LockPlace;
  claim: Claim;
  options: ClaimOptions;
  owner: LockOwner;
  look: () => Promise<Rivals>;
}

/** Undefined where another one came at the same time. */
async function tryClaim(attempt: Attempt): Promise<HeldClaim | undefined> {
  const { place, claim, options, owner, look } = attempt;
  const { name, migration, scopes } = claim;
  const record = { ...newRecord(owner, options.clock), migration, scopes: [...scopes] };
  try {
    failpoint("claim.beforeMake");
    await place.create(name, JSON.stringify(record));
    failpoint("claim.afterMake");
    const { open, dead } = await look();
    if (open === undefined) {
      for (const one of dead) await place.remove(one);
      return holdClaim({ place, name, record, options });
    }
  } catch (error) {
    // It has the same reason to fail, and whoever comes next removes it.
    await place.remove(name).catch(() => undefined);
    throw error;
  }
  await place.remove(name);
  return undefined;
}

interface Rivals {
  /** One that lives, or may. */
  open: { state: HolderState; record: ClaimRecord | undefined } | undefined;
  dead: string[];
}

/** Looks again and again at the others that write what we want to; what is not readable may be one. */
function makeLook(place: LockPlace, { name: own, scopes }: Claim, watching: WatchOptions) {
  const judges = new Map<string, ReturnType<typeof watchHolder>>();
  return async function look(): Promise<Rivals> {
    const rivals: Rivals = { open: undefined, dead: [] };
    for (const [name, { text, record }] of await readAll(place)) {
      if (name === own || (record !== undefined && !overlap(record.scopes, scopes))) continue;
      const judge = judges.get(name) ?? watchHolder(watching);
      judges.set(name, judge);
      const state = judge({ fencing: 1, text, record });
      if (state === "dead") rivals.dead.push(name);
      else if (rivals.open?.state !== "alive") rivals.open = { state, record };
    }
    return rivals;
  };
}
