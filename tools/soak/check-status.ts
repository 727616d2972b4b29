/** What of a status is looked at, as it is in the file. */
export interface SeenStatus {
  seq: number;
  generation: number;
  holder?: { fencing: number };
  items: { id: string; steps: SeenStep[] }[];
}

export interface SeenStep {
  id: string;
  kind: string;
  state: string;
  attempts: number;
  progress?: { phase: string } & Partial<Record<Counter, { done: number }>>;
  output?: unknown;
}

const counters = ["files", "documents", "bytes"] as const;
type Counter = (typeof counters)[number];

/**
 * What a status must not have lost since an earlier one. Always: the number of the event, the run's
 * generation, the holder's fencing number. Within one generation: a step that is done, and how
 * often a step was tried. Within one attempt and one phase of it: each counter.
 */
export function statusViolations(before: SeenStatus, now: SeenStatus): string[] {
  const found = [
    fallen("the number of the newest event", before.seq, now.seq),
    fallen("the generation", before.generation, now.generation),
    fallen("the holder's fencing number", before.holder?.fencing ?? 0, now.holder?.fencing ?? 0),
  ];
  if (before.generation === now.generation) {
    const steps = stepsOf(now);
    for (const [name, step] of stepsOf(before)) found.push(...stepViolations(name, step, steps));
  }
  return found.filter((text) => text !== undefined);
}

function stepViolations(name: string, before: SeenStep, steps: Map<string, SeenStep>) {
  const now = steps.get(name);
  if (now === undefined) return [`step ${name} is gone`];
  const found = [fallen(`the attempts of ${name}`, before.attempts, now.attempts)];
  if (before.state === "done" && now.state !== "done") {
    found.push(`step ${name} was done and is ${now.state}`);
  }
  if (before.state === "done" && now.attempts !== before.attempts) {
    found.push(`step ${name} was done and is tried again`);
  }
  if (before.attempts === now.attempts) found.push(...counterViolations(name, before, now));
  return found;
}

function counterViolations(
  name: string,
  { progress: before }: SeenStep,
  { progress: now }: SeenStep,
) {
  if (before === undefined || now === undefined || before.phase !== now.phase) return [];
  return counters.map((counter) => {
    const what = `the ${counter} of ${name}, ${now.phase}`;
    return fallen(what, before[counter]?.done ?? 0, now[counter]?.done ?? 0);
  });
}

function fallen(what: string, before: number, now: number): string | undefined {
  return now < before ? `${what} fell from ${before} to ${now}` : undefined;
}

function stepsOf({ items }: SeenStatus): Map<string, SeenStep> {
  return new Map(items.flatMap(({ id, steps }) => steps.map((step) => [`${id}/${step.id}`, step])));
}

/** Each document of the source has one verdict: that is what the counts by collection must say. */
export function sumViolations(source: Record<string, number>, { items }: SeenStatus): string[] {
  const sums: Record<string, number> = {};
  for (const { steps } of items) {
    for (const { output } of steps.filter(({ kind }) => kind === "db-restore")) {
      const { verdicts = {} } = (output ?? {}) as { verdicts?: Record<string, Verdicts> };
      for (const [name, counts] of Object.entries(verdicts)) {
        sums[name] = (sums[name] ?? 0) + Object.values(counts).reduce((sum, one) => sum + one, 0);
      }
    }
  }
  return Object.entries(source).flatMap(([name, count]) =>
    sums[name] === count
      ? []
      : [`${name} has ${count} documents at the source, the verdicts are ${sums[name] ?? 0}`],
  );
}

type Verdicts = Record<string, number>;
