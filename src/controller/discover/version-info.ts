import { get } from "node:http";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { MigrationError } from "../../core/errors.ts";
import { parseVersion } from "./compare-versions.ts";
import type { Found } from "./discovered.ts";
import { textAt } from "./json-value.ts";
import { matchName } from "./names.ts";
import { isSelected, sortOut } from "./ready-pods.ts";
import { isOf, type Release } from "./release.ts";
import type { Search } from "./search.ts";

const timeoutMilliseconds = 10_000;

/**
 * Asks the product over HTTP by way of a port-forward. That it cannot be asked, or does not
 * answer, only means that it does not tell.
 */
export async function askVersion(
  search: Search,
  release: Release,
): Promise<Found<string> | undefined> {
  const { version } = search.known;
  if (version?.path === undefined) return undefined;
  for (const service of version.services.flatMap((pattern) => called(search, release, pattern))) {
    const answer = await ask(search, service, version.path);
    const value = textAt(answer, version.value ?? "version");
    if (value === undefined || parseVersion(value) === undefined) continue;
    return { value, from: `Service "${service.metadata.name}"` };
  }
  return undefined;
}

type FoundService = Search["objects"]["services"][number];

function called({ objects }: Search, release: Release, pattern: string): FoundService[] {
  return objects.services.filter(({ metadata: { name, labels } }) => {
    const shortName = matchName([pattern], name);
    return shortName !== undefined && isOf(release, { labels: labels ?? {} }, shortName);
  });
}

async function ask(search: Search, { spec }: FoundService, path: string): Promise<unknown> {
  const { cluster, namespace, objects } = search;
  const behind = objects.pods.filter(({ metadata }) => isSelected(metadata.labels, spec.selector));
  const pod = sortOut(behind).ready[0];
  const port = pod === undefined ? undefined : portOf(spec.ports?.[0], pod);
  if (pod === undefined || port === undefined) return undefined;
  const timeout = AbortSignal.timeout(timeoutMilliseconds);
  const outer = search.options.signal;
  const signal = outer === undefined ? timeout : AbortSignal.any([outer, timeout]);
  try {
    const stream = await cluster.forward({ namespace, pod: pod.metadata.name, port }, signal);
    return JSON.parse(await getText(stream, path, signal));
  } catch (error) {
    if (outer?.aborted || (error instanceof MigrationError && error.kind === "bug")) throw error;
    return undefined;
  }
}

type Port = NonNullable<FoundService["spec"]["ports"]>[number];
type FoundPod = Search["objects"]["pods"][number];

function portOf(port: Port | undefined, { spec }: FoundPod): number | undefined {
  const target = port?.targetPort ?? port?.port;
  if (typeof target !== "string") return target;
  const ports = spec.containers.flatMap((container) => container.ports ?? []);
  return ports.find(({ name }) => name === target)?.containerPort;
}

async function getText(stream: Duplex, path: string, signal: AbortSignal): Promise<string> {
  try {
    return await new Promise<string>((done, failed) => {
      const headers = { host: "localhost", connection: "close" };
      const request = get({ path, headers, signal, createConnection: () => stream });
      request.on("error", failed);
      request.on("response", (response) => text(response).then(done, failed));
    });
  } finally {
    stream.destroy();
  }
}
