import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { parseJson } from "../../core/parse-json.ts";
import type { ConfigMap, Secret } from "../../kube/namespace-objects.ts";
import { protobufFields } from "./protobuf.ts";

/** What Helm knows of a release. */
export interface HelmRelease {
  name: string;
  namespace: string | undefined;
  /** As "ibm-visual-inspection-prod-3.0.0". */
  chart: string;
  /** The product's version, where the chart says it. */
  appVersion: string | undefined;
  from: string;
}

const Helm3Record = z.looseObject({
  name: z.string().min(1),
  namespace: z.string().optional(),
  chart: z.looseObject({
    metadata: z.looseObject({
      name: z.string(),
      version: z.string(),
      appVersion: z.string().optional(),
    }),
  }),
});

/** The release in a Secret of Helm 3; undefined where it is none that can be read. */
export function fromHelm3Secret({ metadata, data }: Secret): HelmRelease | undefined {
  const text = unpack(Buffer.from(data?.["release"] ?? "", "base64").toString("latin1"));
  if (text === undefined) return undefined;
  const record = Helm3Record.safeParse(parseJson(text.toString("utf8"))).data;
  if (record === undefined) return undefined;
  const { name, version, appVersion } = record.chart.metadata;
  return {
    name: record.name,
    namespace: record.namespace,
    chart: `${name}-${version}`,
    appVersion,
    from: `Secret "${metadata.name}"`,
  };
}

/** The release in a ConfigMap of Helm 2's Tiller, a hapi.release.Release. */
export function fromHelm2ConfigMap({ metadata, data }: ConfigMap): HelmRelease | undefined {
  const bytes = unpack(data?.["release"] ?? "");
  const release = bytes === undefined ? undefined : protobufFields(bytes);
  const chart = inner(release, 3);
  const about = inner(chart, 1);
  const [name, chartName, version] = [text(release, 1), text(about, 1), text(about, 4)];
  if (name === undefined || chartName === undefined || version === undefined) return undefined;
  return {
    name,
    namespace: text(release, 8),
    chart: `${chartName}-${version}`,
    appVersion: text(about, 13),
    from: `ConfigMap "${metadata.name}"`,
  };
}

/** A release as Helm keeps it: base64 of a gzip. */
function unpack(base64: string): Buffer | undefined {
  try {
    return gunzipSync(Buffer.from(base64, "base64"), { maxOutputLength: 64 * 1024 * 1024 });
  } catch {
    return undefined;
  }
}

type Fields = Map<number, Buffer[]> | undefined;

function inner(fields: Fields, number: number): Fields {
  const bytes = fields?.get(number)?.at(-1);
  return bytes === undefined ? undefined : protobufFields(bytes);
}

function text(fields: Fields, number: number): string | undefined {
  const value = fields?.get(number)?.at(-1)?.toString("utf8");
  return value === "" ? undefined : value;
}

const Helm3Row = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  chart: z.string(),
  app_version: z.string().optional(),
});
const Helm2Row = z.looseObject({
  Name: z.string(),
  Namespace: z.string().optional(),
  Chart: z.string(),
  AppVersion: z.string().optional(),
});
const HelmList = z.union([z.array(Helm3Row), z.looseObject({ Releases: z.array(Helm2Row) })]);

/** The releases of `helm list --output json`, of Helm 3 or 2; undefined where it is neither. */
export function fromHelmList(output: string, from: string): HelmRelease[] | undefined {
  // Helm 2 prints nothing at all where there is no release.
  if (output.trim() === "") return [];
  const list = HelmList.safeParse(parseJson(output)).data;
  if (list === undefined) return undefined;
  if (Array.isArray(list)) {
    return list.map(({ name, namespace, chart, app_version: appVersion }) => {
      return { name, namespace, chart, appVersion, from };
    });
  }
  return list.Releases.map((row) => ({
    name: row.Name,
    namespace: row.Namespace,
    chart: row.Chart,
    appVersion: row.AppVersion,
    from,
  }));
}
