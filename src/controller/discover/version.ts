import { byConfig } from "./choose.ts";
import { parseVersion } from "./compare-versions.ts";
import { mountingWorkloads } from "./data-mount.ts";
import type { Found } from "./discovered.ts";
import { matchName } from "./names.ts";
import type { Release } from "./release.ts";
import type { Search } from "./search.ts";
import { askVersion } from "./version-info.ts";

/** The product's version, as the chart, a label, an image or the product itself tells it. */
export async function findVersion(
  search: Search,
  release: Release,
): Promise<Found<string> | undefined> {
  const { config } = search;
  if (config.version !== undefined) return { value: config.version, from: byConfig };
  const { record } = release;
  if (record?.appVersion !== undefined && parseVersion(record.appVersion) !== undefined) {
    return { value: record.appVersion, from: record.from };
  }
  return ofWorkloads(search, release) ?? askVersion(search, release);
}

function ofWorkloads(search: Search, release: Release): Found<string> | undefined {
  const images = search.known.version?.images ?? [];
  const workloads = mountingWorkloads(search, release);
  for (const { labels, from } of workloads) {
    const value = labels["app.kubernetes.io/version"];
    if (value !== undefined && parseVersion(value) !== undefined) return { value, from };
  }
  for (const { spec, from } of workloads) {
    for (const { image = "" } of spec.containers) {
      const { repository, tag } = splitImage(image);
      if (tag === undefined || matchName(images, repository) === undefined) continue;
      if (parseVersion(tag) !== undefined) return { value: tag, from: `image of ${from}` };
    }
  }
  return undefined;
}

/** A registry's port is no tag. */
function splitImage(image: string): { repository: string; tag: string | undefined } {
  const [name = ""] = image.split("@");
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  if (colon < 0) return { repository: name, tag: undefined };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}
