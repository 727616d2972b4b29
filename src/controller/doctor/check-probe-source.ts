import { formatBytes } from "../../core/format.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Probe, ProbedActivity, ProbedFiles } from "../../plan/probe.ts";
import { checkReach, findingOf } from "./check-probe.ts";
import { type Finding, info, ok, warning } from "./finding.ts";

/** What was seen of the source from within the pod. */
export function checkProbedSource(plan: Plan, { source }: Probe): Finding[] {
  return [
    ...findingOf("source.space", source.space, ({ freeBytes, freeFiles }) =>
      ok("source.space", spaceText(freeBytes, freeFiles)),
    ),
    ...findingOf("source.work-dir", source.workDir, () =>
      ok("source.work-dir", `The migration's state can be kept in ${plan.workDir}`),
    ),
    ...findingOf("source.files", source.files, (files) => checkFiles(files)),
    ...checkReach("source", source.reach, true),
    ...findingOf("source.database", source.database, (found) =>
      ok("source.database", databaseText(found)),
    ),
    ...findingOf("source.database-rights", source.rights, ({ collections }) =>
      ok("source.database-rights", `The user may read all ${collections} collections`),
    ),
    ...findingOf("source.activity", source.activity, (found) => checkActivity(plan, found)),
  ];
}

export function spaceText(freeBytes: number, freeFiles: number | undefined): string {
  const names = freeFiles === undefined ? "" : `, ${freeFiles.toLocaleString("en-US")} inodes`;
  return `${formatBytes(freeBytes)} free${names}`;
}

interface Described {
  version: string;
  hosts: string;
  compatibility?: string | undefined;
  replicaSet?: string | undefined;
  user?: string | undefined;
  driver: string;
}

export function databaseText(found: Described): string {
  const { version, hosts, compatibility, replicaSet, user, driver } = found;
  return [
    `MongoDB ${version} at ${hosts}`,
    compatibility === undefined ? "" : `feature compatibility ${compatibility}`,
    replicaSet === undefined ? "" : `replica set ${replicaSet}`,
    user === undefined ? "without access control" : `user ${user}`,
    driver === "legacy" ? "by the driver for old servers" : "",
  ]
    .filter((part) => part !== "")
    .join(", ");
}

function checkFiles(files: ProbedFiles): Finding {
  const { entries, bytes, isComplete, unreadable } = files;
  const id = "source.files";
  const all = `${entries.toLocaleString("en-US")} names, ${formatBytes(bytes)}`;
  const seen = isComplete ? all : `${all} in the first minute; there are more`;
  if (unreadable.count === 0) return ok(id, `${seen}; all that was seen can be read`);
  const details = unreadable.examples.map(({ path, reason }) => `${path}: ${reason}`);
  const more = unreadable.count - details.length;
  return warning(id, `${unreadable.count} of ${seen} cannot be read, and would be skipped`, {
    details: more > 0 ? [...details, `and ${more} more`] : details,
    fix: "Let the pod read them: run as the application's user or as root (see source.pod), or change their modes",
  });
}

function checkActivity({ application }: Plan, found: readonly ProbedActivity[]): Finding {
  const id = "source.activity";
  if (application.activity === undefined) {
    return info(
      id,
      `The description of "${application.application}" does not say how work is seen`,
    );
  }
  const running = found.filter(({ isRunning }) => isRunning);
  const unknown = found.filter(({ isRunning }) => !isRunning);
  const details = unknown.map(
    ({ collection, value, documents }) =>
      `${documents} ${collection} have the state "${value}", of which it is not known what it means`,
  );
  const more = details.length === 0 ? {} : { details };
  if (running.length === 0) {
    return unknown.length === 0
      ? ok(id, "No document says that something works")
      : info(id, "No state that is known to be running; some are not known", more);
  }
  const seen = running.map(
    ({ what, value, documents, collection }) =>
      `${documents} ${what}${documents === 1 ? "" : "s"} "${value}" (${collection})`,
  );
  return warning(id, `The source works, as its documents say: ${seen.join("; ")}`, {
    ...more,
    fix: "Wait for its end, or stop it: what it writes after the copy is not moved",
  });
}
