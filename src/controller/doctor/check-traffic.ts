import { formatBytes } from "../../core/format.ts";
import type { Forecast } from "../../plan/forecast.ts";
import type { Probe } from "../../plan/probe.ts";
import type { Answer } from "./answer.ts";
import { probedValue } from "./check-probe.ts";
import { type Finding, info, ok, warning } from "./finding.ts";

export interface Crossing {
  files: boolean;
  documents: boolean;
}

/** What goes through the destination's API server: undefined where the way is not known. */
export function crossingOf({ destination }: Probe): Crossing | undefined {
  const receiver = probedValue(destination.receiver);
  if (receiver === undefined) return undefined;
  const files = receiver.route === "exec";
  const link = probedValue(destination.link)?.link;
  return { files, documents: link === "port-forward" || (link === "relay" && files) };
}

/** An API server is shared with all of the cluster; that much its operators want to know. */
const much = 100 * 1024 ** 3;

/** How many bytes a run would send through the API server. */
export function checkTraffic(
  crossing: Crossing | undefined,
  forecast: Answer<Forecast> | undefined,
): Finding[] {
  const id = "api.traffic";
  if (crossing === undefined) return [];
  if (!crossing.files && !crossing.documents) {
    return [ok(id, "0 bytes of files and documents cross the destination's API server")];
  }
  if (forecast?.value === undefined) {
    const why = forecast?.error.message ?? "it was not forecast";
    return [info(id, `Data crosses the destination's API server; how much cannot be told: ${why}`)];
  }
  const { items } = forecast.value;
  const files = items.reduce((sum, item) => sum + (item.files?.bytesToSend ?? 0), 0);
  const documents = items
    .flatMap((item) => item.documents)
    .reduce((sum, { bytes }) => sum + bytes, 0);
  const total = (crossing.files ? files : 0) + (crossing.documents ? documents : 0);
  const parts = [
    ...(crossing.files ? [`${formatBytes(files)} of files`] : []),
    ...(crossing.documents ? [`up to ${formatBytes(documents)} of documents`] : []),
  ];
  const seen = `${parts.join(" and ")} would cross the destination's API server`;
  const fix =
    "Let the pods reach each other (the receiver's port 8722), or limit it with --bwlimit";
  return [total > much ? warning(id, seen, { fix }) : info(id, seen, total > 0 ? { fix } : {})];
}
