/** What every object that we make bears, so that it is found again and nothing else is removed. */
export const managedBy = { "app.kubernetes.io/managed-by": "migctl" } as const;

/** Names the migration that an object belongs to. */
export const migrationLabel = "app.kubernetes.io/instance";
/** What an object of ours is for: "manager", "receiver", "result" or "quiesce". */
export const componentLabel = "app.kubernetes.io/component";

/** The annotation that tells which start of the migration made an object. */
export const attemptAnnotation = "migctl/attempt";

/** Whether a pod is of that start: those of earlier ones may still run. */
export function isOfAttempt(attempt: string) {
  return ({ metadata }: { metadata: { annotations?: Record<string, string> | undefined } }) =>
    metadata.annotations?.[attemptAnnotation] === attempt;
}

/** Selects everything of one migration, or of all. */
export function selectorOf(name?: string): string {
  const all = Object.entries(managedBy).map(([key, value]) => `${key}=${value}`);
  return (name === undefined ? all : [...all, `${migrationLabel}=${name}`]).join(",");
}

/** Selects what runs a migration, with its pod and its plan; of all migrations without a name. */
export function managerSelector(name?: string): string {
  return `${selectorOf(name)},${componentLabel}=manager`;
}
