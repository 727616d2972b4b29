import { formatBytes } from "../../core/format.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Probe, ProbedFiles } from "../../plan/probe.ts";
import { checkReach, findingOf, probedValue } from "./check-probe.ts";
import { databaseText, spaceText } from "./check-probe-source.ts";
import { type Finding, failed, info, ok, warning } from "./finding.ts";

/** What was seen of the destination from within the source's pod. */
export function checkProbedDestination(plan: Plan, probe: Probe): Finding[] {
  const { destination, databases } = probe;
  const isLinked = probedValue(destination.link) !== undefined;
  return [
    ...findingOf("destination.api-from-pod", destination.api, ({ version }) =>
      ok("destination.api-from-pod", `The pod reaches the destination's API (${version})`),
    ),
    ...checkReceiver(probe),
    ...checkSpace(probe),
    ...checkOwnership(plan, probe),
    ...checkReach("destination", destination.reach, destination.link === undefined),
    ...findingOf("destination.link", destination.link, ({ link, reason }) =>
      ok("destination.link", `Documents get there by the link "${link}": ${reason}`),
    ),
    ...findingOf("destination.database", destination.database, (found) =>
      ok("destination.database", databaseText(found)),
    ),
    ...findingOf("destination.database-rights", destination.rights, () =>
      ok("destination.database-rights", "The user may do all that a restore needs"),
    ),
    ...checkMongoVersions(probe),
    ...(isLinked || destination.link === undefined ? sameServer(databases) : []),
  ];
}

function checkReceiver({ destination }: Probe): Finding[] {
  const id = "destination.receiver";
  // It cannot be opened without the API, which is told already.
  if (destination.api !== undefined && "failure" in destination.api) return [];
  return findingOf(id, destination.receiver, (receiver) => {
    const { version, uid, gid, architecture, rsync, route, reason, startSeconds } = receiver;
    const user = `${architecture}, uid ${uid}, gid ${gid}`;
    const how =
      route === "direct" ? "reached directly" : `reached through the API (${reason ?? ""})`;
    if (version === undefined) return ok(id, `The pod can receive files: ${user}, ${how}`);
    const who = `migctl ${version} on ${user}`;
    if (rsync === undefined) {
      return failed(id, "E_PROGRAM", `The receiver has no rsync (${who})`, {
        fix: "Use the image of this version of migctl",
      });
    }
    return ok(id, `The receiver starts there in ${startSeconds} s: ${who}, ${how}`);
  });
}

/** Against all of the source: what is there already needs no room again. */
function checkSpace({ source, destination }: Probe): Finding[] {
  const id = "destination.space";
  if (destination.receiver !== undefined && "failure" in destination.receiver) return [];
  const files = probedValue(source.files);
  return findingOf(id, destination.space, ({ freeBytes, freeFiles }) => {
    const seen = spaceText(freeBytes, freeFiles);
    if (files === undefined) return ok(id, seen);
    const need = `${formatBytes(files.bytes)} in ${files.entries.toLocaleString("en-US")} names`;
    const isShort =
      files.bytes > freeBytes || (freeFiles !== undefined && files.entries > freeFiles);
    if (!isShort) return ok(id, `${seen}; all of the source is ${need}`);
    return warning(id, `${seen}, but all of the source is ${need}`, {
      fix: "Make room, unless most of it is there already: migctl plan tells what is to be sent",
    });
  });
}

function checkOwnership({ options }: Plan, { source, destination }: Probe): Finding[] {
  const id = "destination.ownership";
  if (destination.receiver !== undefined && "failure" in destination.receiver) return [];
  const files = probedValue(source.files);
  return findingOf(id, destination.powers, ({ preserve }) => {
    if (options.ownership !== "inherit" && !preserve) {
      return failed(
        id,
        "E_PERMISSION",
        "Owner and group cannot be kept: the receiver lacks the rights",
        {
          fix: "Choose --ownership inherit, or have the namespace allow root with CHOWN, DAC_OVERRIDE and FOWNER",
        },
      );
    }
    if (options.ownership === "map") {
      return ok(
        id,
        "Owner and group are kept, but for those that the table changes; modes are kept",
      );
    }
    if (options.ownership === "preserve") return ok(id, "Owner, group and modes are kept");
    const details = files === undefined ? [] : lostOwnership(files);
    return info(
      id,
      "Owner and group are not kept: files become the destination's user's, open to its group",
      {
        ...(details.length === 0 ? {} : { details }),
      },
    );
  });
}

function lostOwnership({ owners, mostOwned, setId, special }: ProbedFiles): string[] {
  const most = mostOwned.map(({ uid, gid, entries }) => `${entries} of ${uid}:${gid}`).join(", ");
  return [
    `${owners} pair${owners === 1 ? "" : "s"} of owner and group at the source: ${most}`,
    ...(setId === 0 ? [] : [`${setId} files lose setuid or setgid`]),
    ...(special === 0
      ? []
      : [`${special} devices, pipes or sockets; devices cannot be made there`]),
  ];
}

function checkMongoVersions({ source, destination }: Probe): Finding[] {
  const id = "database.versions";
  const [from, to] = [
    probedValue(source.database)?.version,
    probedValue(destination.database)?.version,
  ];
  if (from === undefined || to === undefined) return [];
  if (releaseOf(to) >= releaseOf(from)) return [ok(id, `MongoDB ${from} to ${to}`)];
  return [
    failed(id, "E_VERSION", `The destination's MongoDB ${to} is older than the source's ${from}`, {
      fix: "Upgrade the destination's MongoDB to the source's release or a later one first",
    }),
  ];
}

/** Patch releases do not matter. */
function releaseOf(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major * 1000 + minor;
}

/** What kept it from being told is told of the one database or the other. */
function sameServer(databases: Probe["databases"]): Finding[] {
  const id = "database.differs";
  if (databases === undefined) return [];
  if ("failure" in databases) {
    return [info(id, `Whether both are one database cannot be told: ${databases.failure.message}`)];
  }
  if (!databases.value.isSame) return [ok(id, "The two databases are not the same one")];
  return [
    failed(id, "E_SAME_SERVER", "Source and destination are the same database on the same server", {
      fix: "Name the destination's own database in the network config; nothing was written",
    }),
  ];
}
