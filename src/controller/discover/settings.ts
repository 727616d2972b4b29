import type { ApplicationCluster } from "../../config/application-cluster.ts";
import { parseJson } from "../../core/parse-json.ts";
import type { ConfigMap } from "../../kube/namespace-objects.ts";
import { chartOf, releaseOf } from "./helm-labels.ts";
import { isTrue, textAt, valueAt } from "./json-value.ts";
import { matchName } from "./names.ts";
import type { Search } from "./search.ts";

/** What the application's own ConfigMap tells. */
export interface Settings {
  from: string;
  release: string;
  chart: string | undefined;
  name: string;
  claim: string | undefined;
  subPath: string | undefined;
  mount: string | undefined;
  database: string | undefined;
  host: string | undefined;
  port: number | undefined;
  username: string | undefined;
  objectStorage: boolean | undefined;
}

type Described = NonNullable<ApplicationCluster["config-map"]>;

/** One for each ConfigMap of that name that has the key; another one of that name is not meant. */
export function readSettings({ known, objects, warn }: Search): Settings[] {
  const described = known["config-map"];
  if (described === undefined) return [];
  return objects.configMaps.flatMap((map) => {
    const text = map.data?.[described.key];
    const name = matchName(described.names, map.metadata.name);
    if (text === undefined || name === undefined) return [];
    const value = parseJson(text);
    if (value !== undefined) return [settingsOf(map, name, value, described)];
    warn(`ConfigMap "${map.metadata.name}" has no JSON in "${described.key}"`);
    return [];
  });
}

function settingsOf(
  { metadata }: ConfigMap,
  nameOfMap: string,
  value: unknown,
  { values }: Described,
): Settings {
  const name = textAt(value, values.name) ?? nameOfMap;
  const flag = values["object-storage"];
  const port = Number(textAt(value, values.port));
  return {
    from: `ConfigMap "${metadata.name}"`,
    release: releaseOf(metadata.labels, metadata.annotations) ?? name,
    chart: chartOf(metadata.labels),
    name,
    claim: textAt(value, values.claim),
    subPath: trimSlashes(textAt(value, values["sub-path"])),
    mount: withoutTrailing(textAt(value, values.mount)),
    database: textAt(value, values.database),
    host: textAt(value, values.host),
    port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined,
    username: textAt(value, values.username),
    objectStorage: flag === undefined ? undefined : isTrue(valueAt(value, flag)),
  };
}

function trimSlashes(path: string | undefined): string | undefined {
  return path?.replace(/^\/+|\/+$/g, "");
}

/** "/data/" and "/data" are one mount. */
export function withoutTrailing(path: string | undefined): string | undefined {
  return path === undefined || path === "/" ? path : path.replace(/\/+$/, "");
}
