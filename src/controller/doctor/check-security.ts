import type { NamespaceSecurity } from "../deploy/platform.ts";
import type { Answer } from "./answer.ts";
import { type Finding, failed, fromError, info, ok } from "./finding.ts";

export interface SecurityFacts {
  side: string;
  security: NamespaceSecurity;
  /** What the ownership mode makes of the pod. */
  asRoot: boolean;
  /** The API's answer to the pod, with all of admission. */
  dryRun: Answer<unknown>;
  /** Whether this log-in may make pods; without it the API's answer tells nothing of the pod. */
  mayCreate: boolean;
}

/**
 * Whether the namespace takes the pod as the ownership mode has it: by the API's own answer, or by
 * the namespace's labels where no pod may be made.
 */
export function checkSecurity(facts: SecurityFacts): Finding[] {
  const { side, security, asRoot, dryRun, mayCreate } = facts;
  const id = `${side}.pod`;
  const user = asRoot ? "as root with few capabilities" : "as an ordinary user";
  const level = levelOf(security);
  if (dryRun.error === undefined) return [ok(id, `The API takes the pod ${user} (${level})`)];
  const { code } = dryRun.error;
  if (mayCreate) {
    const found = fromError(id, dryRun.error);
    const isPolicy = code === "E_PERMISSION";
    return [
      isPolicy && asRoot
        ? { ...found, fix: "Choose --ownership inherit, or another namespace level" }
        : found,
    ];
  }
  const isOk = !asRoot || security.allowsRoot;
  if (isOk)
    return [
      info(
        id,
        `No pod may be made by this log-in; by the namespace's labels it would be taken ${user} (${level})`,
      ),
    ];
  return [
    failed(id, "E_PERMISSION", `The namespace does not let pods run as root (${level})`, {
      fix: "Choose --ownership inherit, or have the namespace allow Pod Security's baseline",
    }),
  ];
}

function levelOf({ level, platform }: NamespaceSecurity): string {
  if (platform.openshift) return "OpenShift's security context constraints";
  if (level !== undefined) return `Pod Security "${level}"`;
  return "its Pod Security level is not set, or may not be read";
}
