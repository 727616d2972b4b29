import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../core/atomic-file.ts";
import type { Clock } from "../core/clock.ts";
import { codeOf, isUnavailable, type MigrationError } from "../core/errors.ts";
import type { LockPlace } from "../core/lock-place.ts";
import type { Logger } from "../core/log.ts";
import { parseJson } from "../core/parse-json.ts";
import { retry } from "../core/retry.ts";
import type { FileDestination } from "../files/destination.ts";
import { openLockCollections } from "../mongo/lock-collections.ts";
import type { Plan } from "../plan/plan.ts";
import { scopeText } from "../plan/scope.ts";
import type { StepKind } from "../plan/steps.ts";
import { claimDestination } from "../state/destination-lock.ts";
import type { HeldClaim } from "../state/held-claim.ts";
import type { LockWaits } from "./lock-waits.ts";

export interface HoldPorts {
  /** The migration's, whose lock is held. */
  folder: string;
  destination: FileDestination;
  log: Logger;
  clock: Clock;
  signal: AbortSignal;
  waits: LockWaits;
  onLost(error: MigrationError): void;
}

/** The locks of what a plan writes to: the destination's folder, its database, or both. */
export interface DestinationHold {
  /** Takes them, once. Throws E_LOCKED where another migration has one of them. */
  take(): Promise<void>;
  /** Throws E_LOCKED once what a step of that kind writes to is another one's. */
  guard(kind: StepKind): Promise<void>;
  /** Removes them, and what an attempt before left: nothing of ours is there when it returns. */
  settle(): Promise<void>;
  /** Removes them as far as that can be had. */
  release(): Promise<void>;
}

type Part = "files" | "documents";
type Held = Partial<Record<Part, HeldClaim>>;

const defaultBudget = 60_000;

export function makeDestinationHold(plan: Plan, ports: HoldPorts): DestinationHold {
  const name = randomUUID();
  const held: Held = {};
  const closing: (() => Promise<void>)[] = [];
  let taking: Promise<void> | undefined;
  async function takeAll() {
    const places = await openPlaces(plan, ports, closing);
    await noteName(ports.folder, name, places);
    const scopes = plan.items.map(({ scope }) => scopeText(scope));
    for (const { part, place, label } of places) {
      const claim = { name, migration: plan.name, scopes };
      const options = { ...ports.waits.patience(label), label, onLost: ports.onLost };
      held[part] = await claimDestination(place, claim, options);
    }
  }
  async function patiently(work: () => Promise<void>) {
    const { clock, signal, log } = ports;
    const budget = (plan.options.retrySeconds ?? defaultBudget / 1000) * 1000;
    const onRetry = (err: unknown) => log.warn({ err }, "The destination is away, trying again");
    await retry({ clock, signal, budget, mayPass: isUnavailable, onRetry }, work);
  }
  async function tryTaking() {
    try {
      await takeAll();
    } catch (error) {
      await release();
      throw error;
    } finally {
      ports.waits.over();
    }
  }
  async function removeAll() {
    for (const part of parts) {
      await held[part]?.release();
      delete held[part];
    }
    const noted = await readName(ports.folder);
    if (noted === undefined) return;
    if (noted !== name) {
      for (const { place } of await openPlaces(plan, ports, closing)) await place.remove(noted);
    }
    await rm(join(ports.folder, nameFile), { force: true });
  }
  async function release() {
    for (const part of parts) {
      await held[part]?.release().catch((err: unknown) => {
        ports.log.warn({ err }, "Cannot remove a lock at the destination: the next run does");
      });
      delete held[part];
    }
    for (const close of closing.splice(0)) await close();
  }
  return {
    take() {
      taking ??= patiently(tryTaking).catch((error: unknown) => {
        taking = undefined;
        throw error;
      });
      return taking;
    },
    async guard(kind) {
      for (const part of partsOf(kind)) await held[part]?.guard();
    },
    settle: () => patiently(removeAll),
    release,
  };
}

const parts = ["files", "documents"] as const;

/** What a step may write to. */
function partsOf(kind: StepKind): readonly Part[] {
  if (kind.startsWith("db-")) return ["documents"];
  return kind.startsWith("files-") ? ["files"] : parts;
}

interface Place {
  part: Part;
  place: LockPlace;
  label: string;
}

async function openPlaces(
  plan: Plan,
  { destination, log, signal }: HoldPorts,
  closing: (() => Promise<void>)[],
): Promise<Place[]> {
  const places: Place[] = [];
  if (plan.migrationType !== "db") {
    places.push({ part: "files", place: destination.locks, label: destination.label });
  }
  const { database } = plan.destination;
  if (plan.migrationType !== "files" && database !== undefined) {
    const locks = await openLockCollections(database, { signal, log });
    closing.push(locks.close);
    places.push({ part: "documents", place: locks, label: locks.label });
  }
  return places;
}

const nameFile = "destination-lock.json";
const Name = z.object({ version: z.literal(1), name: z.string() });

/**
 * Notes the name of this attempt's locks. Those of the attempt before are removed at once: whoever
 * has the migration's own lock knows that it is over.
 */
async function noteName(folder: string, name: string, places: readonly Place[]) {
  const earlier = await readName(folder);
  for (const { place } of places) if (earlier !== undefined) await place.remove(earlier);
  const noted: z.infer<typeof Name> = { version: 1, name };
  await writeFileAtomic(join(folder, nameFile), `${JSON.stringify(noted)}\n`);
}

/** Without it, or with a damaged one, the earlier locks are followed like everybody else's. */
async function readName(folder: string): Promise<string | undefined> {
  try {
    return Name.safeParse(parseJson(await readFile(join(folder, nameFile), "utf8"))).data?.name;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
