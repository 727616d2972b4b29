import { MigrationError } from "../core/errors.ts";
import type { ServerFacts } from "../mongo/database.ts";

/**
 * Throws E_VERSION where the destination is older, or is set to behave as one that refuses whole
 * documents; returns a warning where its setting may keep it from making some collection or index.
 */
export function checkVersions(source: ServerFacts, destination: ServerFacts): string[] {
  if (releaseOf(destination.version) < releaseOf(source.version)) {
    throw new MigrationError(
      "E_VERSION",
      `The destination's MongoDB ${destination.version} is older than the source's ${source.version}`,
      { hint: "Upgrade the destination's MongoDB to the source's release or a later one first" },
    );
  }
  return checkCompatibility(source, destination);
}

/** The first that takes an indexed value of more than a kilobyte. */
const takesLongKeys = 4002;

/** Not every user may ask for it: then nothing is said of it. */
function checkCompatibility(source: ServerFacts, destination: ServerFacts): string[] {
  const set = destination.featureCompatibilityVersion;
  const wanted = source.featureCompatibilityVersion ?? source.version;
  if (set === undefined || releaseOf(set) >= releaseOf(wanted)) return [];
  const message = `The destination's featureCompatibilityVersion ${set} is lower than the source's ${wanted}`;
  if (releaseOf(set) < takesLongKeys) {
    throw new MigrationError("E_VERSION", `${message}: it refuses documents that the source took`, {
      hint: 'Raise it there: db.adminCommand({setFeatureCompatibilityVersion: "4.2"})',
    });
  }
  return [`${message}: collections, indexes and views with newer options cannot be made there`];
}

/** 4.2.6 -> 4002: patch releases do not matter. */
function releaseOf(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major * 1000 + minor;
}
