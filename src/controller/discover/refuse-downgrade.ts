import { MigrationError } from "../../core/errors.ts";
import { flagOf } from "./choose.ts";
import { compareVersions, parseVersion } from "./compare-versions.ts";
import type { Discovered, Found } from "./discovered.ts";
import { nameOfChart, versionOfChart } from "./helm-labels.ts";

type Side = Pick<Discovered, "version" | "chart">;

/**
 * Throws E_VERSION where the destination's product is older than the source's: it would not know
 * the documents. Versions that a side does not tell, or that cannot be compared, refuse nothing.
 */
export function refuseDowngrade(source: Side, destination: Side): void {
  const [from, to] = comparable(source, destination) ?? [];
  if (from === undefined || to === undefined) return;
  const [old, other] = [parseVersion(from.value), parseVersion(to.value)];
  if (old === undefined || other === undefined || compareVersions(other, old) >= 0) return;
  throw new MigrationError(
    "E_VERSION",
    `The destination's version ${to.value} (${to.from}) is older than the source's ${from.value} (${from.from})`,
    {
      hint: `Upgrade the destination first; if one of them is not so, give ${flagOf({ side: "destination", field: "version" }, "VERSION")}`,
    },
  );
}

/** The product's versions, else those of the same chart. */
function comparable(source: Side, destination: Side): [Found<string>, Found<string>] | undefined {
  if (source.version !== undefined && destination.version !== undefined) {
    return [source.version, destination.version];
  }
  if (source.chart === undefined || destination.chart === undefined) return undefined;
  const name = nameOfChart(source.chart.value);
  const from = versionOfChart(source.chart.value, name);
  const to = versionOfChart(destination.chart.value, name);
  if (from === undefined || to === undefined) return undefined;
  return [
    { value: from, from: source.chart.from },
    { value: to, from: destination.chart.from },
  ];
}
