/** What can become of one document or file. Source count = sum of verdicts, always. */
export const verdicts = [
  "migrated",
  "updated",
  "identical",
  "conflict",
  "rejected",
  "missing",
] as const;

export type Verdict = (typeof verdicts)[number];

export type VerdictCounts = Record<Verdict, number>;

export function noVerdicts(): VerdictCounts {
  return { migrated: 0, updated: 0, identical: 0, conflict: 0, rejected: 0, missing: 0 };
}

export function sumOfVerdicts(counts: VerdictCounts): number {
  let sum = 0;
  for (const verdict of verdicts) sum += counts[verdict];
  return sum;
}

export function addVerdicts(into: VerdictCounts, from: VerdictCounts) {
  for (const verdict of verdicts) into[verdict] += from[verdict];
}

/** What to do with a document or file that is at the destination, differs and is not ours. */
export const conflictPolicies = ["keep-destination", "overwrite", "newest", "fail"] as const;

export type ConflictPolicy = (typeof conflictPolicies)[number];
