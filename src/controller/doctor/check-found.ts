import { asMigrationError } from "../../core/errors.ts";
import { refuseSamePlace } from "../deploy/endpoints.ts";
import type { Discovered, DiscoveredDeployment } from "../discover/discovered.ts";
import { refuseDowngrade } from "../discover/refuse-downgrade.ts";
import { type Finding, fromError, info, ok, warning } from "./finding.ts";
import type { SideFacts } from "./side-facts.ts";

/** What the side consists of, and which object told it. */
export function checkFound({ side, found }: SideFacts): Finding[] {
  const id = `${side}.release`;
  if (found.value === undefined) return [fromError(id, found.error)];
  const { release, namespace, warnings } = found.value;
  const seen = `Release "${release.value}" in namespace "${namespace.value}"`;
  return [
    ok(id, seen, { details: evidenceOf(found.value) }),
    ...warnings.map((text) => {
      const [what, fix] = splitHint(text);
      return warning(id, what, fix === undefined ? {} : { fix });
    }),
  ];
}

/** Discovery's warnings end with what to do, behind the last colon. */
function splitHint(text: string): [string, string?] {
  const match = /^(.*): (give .*)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return [text];
  return [match[1], `${match[2].charAt(0).toUpperCase()}${match[2].slice(1)}`];
}

/** One line for each thing that was found: what it is, and which object told it. */
export function evidenceOf(found: Discovered): string[] {
  const { release, chart, version, claim, subPath, mount, database, secret } = found;
  const { name, capacity, accessModes, storageClass } = claim.value;
  const volume = [name, capacity, accessModes.join("+"), storageClass].filter(Boolean).join(" ");
  const at = subPath.value === "" ? "its root" : `"${subPath.value}" on it`;
  const login = database?.login;
  return [
    line("release", release.value, release.from),
    ...(chart === undefined ? [] : [line("chart", chart.value, chart.from)]),
    ...(version === undefined ? [] : [line("version", version.value, version.from)]),
    line("claim", volume, claim.from),
    line("data", `${at}, mounted at ${mount.value}`, subPath.from),
    ...(database === undefined
      ? []
      : [
          line(
            "database",
            `${database.name.value} at ${database.hosts.value.join(",") || "the URI's hosts"}`,
            database.hosts.from,
          ),
          line(
            "log-in",
            login?.username?.value ?? "(of the URI)",
            login?.username?.from ?? login?.uri?.from ?? "nothing",
          ),
        ]),
    ...(secret === undefined ? [] : [line("Secret", secret.value, secret.from)]),
  ];
}

function line(what: string, value: string, from: string): string {
  return `${what}: ${value} (by ${from})`;
}

export function checkSamePlace(source: Discovered, destination: Discovered): Finding[] {
  const id = "place.differs";
  try {
    refuseSamePlace(source, destination);
    return [ok(id, "The two sides are two volumes")];
  } catch (error) {
    return [fromError(id, asMigrationError(error))];
  }
}

export function checkProduct(source: Discovered, destination: Discovered): Finding[] {
  const id = "product.versions";
  try {
    refuseDowngrade(source, destination);
  } catch (error) {
    return [fromError(id, asMigrationError(error))];
  }
  const text = ({ side, version }: Discovered) => `${side} ${version?.value ?? "unknown"}`;
  const seen = `${text(source)}, ${text(destination)}`;
  const isKnown = source.version !== undefined && destination.version !== undefined;
  if (isKnown) return [ok(id, seen)];
  return [info(id, `${seen}: whether it is a downgrade cannot be told by the product's versions`)];
}

/** What --quiesce would scale down. */
export function checkWriters({ writers }: Discovered, isQuiesced: boolean): Finding[] {
  const id = "source.writers";
  const running = writers.filter(({ replicas }) => replicas !== 0);
  if (writers.length === 0) return [];
  const seen = namesOf(writers);
  if (running.length === 0) return [ok(id, `All writers are scaled to 0: ${seen}`)];
  if (isQuiesced) return [ok(id, `--quiesce scales down: ${seen}`)];
  return [
    info(id, `These write while documents and files are copied: ${seen}`, {
      fix: "Give --quiesce at the cut-over",
    }),
  ];
}

export function checkRestarts({ restarts }: Discovered, isRun: boolean): Finding[] {
  if (restarts.length === 0) return [];
  const seen = namesOf(restarts);
  if (isRun) return [ok("destination.restarts", `--after run restarts: ${seen}`)];
  return [
    info("destination.restarts", `To be restarted after a migration: ${seen}`, {
      fix: "Give --after run, or restart them by hand",
    }),
  ];
}

function namesOf(all: readonly DiscoveredDeployment[]): string {
  return all.map(({ name, replicas }) => `${name} (${replicasText(replicas)})`).join(", ");
}

function replicasText(replicas: number | undefined): string {
  if (replicas === undefined) return "replicas unknown";
  return replicas === 1 ? "1 replica" : `${replicas} replicas`;
}
