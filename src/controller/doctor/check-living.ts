import type { Status } from "../../state/status.ts";
import type { LiveMigration } from "../deploy/live.ts";
import { type Answer, isForbidden } from "./answer.ts";
import { type Finding, fromError, info, ok, warning } from "./finding.ts";

export interface LivingFacts {
  /** The one that the request would start, where that is known. */
  name: string | undefined;
  living: Answer<{ live: LiveMigration; status: Status | undefined }[]>;
}

/** Migrations that are in the source's namespace already. */
export function checkLiving({ name, living }: LivingFacts): Finding[] {
  const id = "migration.living";
  if (living.value === undefined) {
    // Missing rights are told as such.
    return isForbidden(living) ? [] : [fromError(id, living.error)];
  }
  if (living.value.length === 0) return [ok(id, "No migration is in the source's namespace")];
  return living.value.map(({ live, status }) => {
    const state = status?.state ?? "of unknown state";
    const seen = `Migration "${live.name}" is in the source's namespace: ${state}`;
    if (status?.state !== "running") return info(id, seen);
    const isSame = live.name === name;
    return warning(id, isSame ? `${seen}; this request would be refused` : seen, {
      fix: `Follow it with migctl status --name ${live.name}; stop it with migctl delete --name ${live.name}`,
    });
  });
}
