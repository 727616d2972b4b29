type Labels = Readonly<Record<string, string>> | undefined;

/** The release that an object says it is of. */
export function releaseOf(labels: Labels, annotations?: Labels): string | undefined {
  return (
    annotations?.["meta.helm.sh/release-name"] ??
    labels?.["release"] ??
    labels?.["app.kubernetes.io/instance"]
  );
}

/** The chart that an object says it is of, as "name-version". */
export function chartOf(labels: Labels): string | undefined {
  return labels?.["chart"] ?? labels?.["helm.sh/chart"];
}

/** Whether a chart, as "name-version", is one of those; a name that goes on is another chart's. */
export function isOneOf(chart: string, names: readonly string[]): boolean {
  return names.some((name) => chart === name || versionOfChart(chart, name) !== undefined);
}

export function versionOfChart(chart: string, name: string): string | undefined {
  if (!chart.startsWith(`${name}-`)) return undefined;
  const version = chart.slice(name.length + 1);
  return /^v?\d/.test(version) ? version : undefined;
}

/** The names of "ibm-visual-inspection-prod-3.0.0": before the first dash that a number follows. */
export function nameOfChart(chart: string): string {
  return /^(.+?)-v?\d/.exec(chart)?.[1] ?? chart;
}
