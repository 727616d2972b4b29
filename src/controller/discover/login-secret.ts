import type { ApplicationCluster } from "../../config/application-cluster.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Secret } from "../../kube/namespace-objects.ts";
import { secrets } from "../../kube/resources.ts";
import { byConfig, flagOf, onlyOne } from "./choose.ts";
import type { Found } from "./discovered.ts";
import { releaseOf } from "./helm-labels.ts";
import { exactNames, matchName } from "./names.ts";
import { ifPermitted } from "./permitted.ts";
import { isOf, type Release } from "./release.ts";
import type { Search } from "./search.ts";

type Described = ApplicationCluster["secrets"][number];

/** A Secret that has the log-in; its object only where it may be read. */
export interface LoginSecret {
  name: Found<string>;
  described: Described;
  object: Secret | undefined;
}

/** The Secret of the release's database, inside of the namespace or outside of it. */
export async function findLoginSecret(
  search: Search,
  release: Release,
  isExternal: boolean,
): Promise<LoginSecret | undefined> {
  const { config, known } = search;
  if (config.secret !== undefined) return chosen(search, config.secret);
  const fitting = known.secrets.filter(({ external }) => external === isExternal);
  const found: LoginSecret[] = [];
  for (const described of fitting) found.push(...(await candidates(search, release, described)));
  const wanted = { ...search, what: "Secrets with the database's log-in", field: "secret" };
  const only = onlyOne(
    found.map(({ name }) => name),
    wanted,
  );
  return found.find(({ name }) => name === only);
}

/** Whichever keys of the description it has. */
async function chosen(search: Search, name: string): Promise<LoginSecret | undefined> {
  const { cluster, side, namespace } = search;
  const answer = await ifPermitted(
    cluster.get(secrets, name, namespace).then((object) => ({ object })),
  );
  if (answer !== undefined && answer.object === undefined) {
    throw new MigrationError(
      "E_DISCOVERY",
      `There is no Secret "${name}" in the ${side}'s namespace "${namespace}"`,
      { hint: `Correct ${flagOf({ side, field: "secret" })}` },
    );
  }
  const object = answer?.object;
  const described =
    search.known.secrets.find(({ password }) => object?.data?.[password] !== undefined) ??
    search.known.secrets.find(({ names }) => matchName(names, name) !== undefined) ??
    search.known.secrets[0];
  if (described === undefined) return undefined;
  return { name: { value: name, from: byConfig }, described, object };
}

/** What the pods refer to, what has such a name, and where a name is not exact, what is listed. */
async function candidates(
  search: Search,
  release: Release,
  described: Described,
): Promise<LoginSecret[]> {
  const referred = referredTo(search, release, described);
  if (referred.length > 0) {
    return Promise.all(
      referred.map(async (name) => {
        return { name, described, object: await read(search, name.value) };
      }),
    );
  }
  const found: Secret[] = [];
  for (const name of exactNames(described.names, release.shortName)) {
    const object = await read(search, name);
    if (object !== undefined) found.push(object);
  }
  if (described.names.some((name) => name.includes("*"))) {
    const all = (await ifPermitted(search.cluster.list(secrets, search.namespace))) ?? [];
    found.push(...all.filter(({ metadata }) => matchName(described.names, metadata.name) === ""));
  }
  return found
    .filter((object) => isLogin(object, release, described))
    .map((object) => {
      const { name } = object.metadata;
      return { name: { value: name, from: `Secret "${name}"` }, described, object };
    });
}

async function read({ cluster, namespace }: Search, name: string): Promise<Secret | undefined> {
  return ifPermitted(cluster.get(secrets, name, namespace));
}

function isLogin({ metadata, data }: Secret, release: Release, described: Described): boolean {
  const said = releaseOf(metadata.labels, metadata.annotations);
  return (
    data?.[described.password] !== undefined &&
    metadata.deletionTimestamp === undefined &&
    (said === undefined || said === release.name.value)
  );
}

/** The release's pods name the Secret, whether or not it may be read. */
function referredTo({ objects }: Search, release: Release, described: Described): Found<string>[] {
  const found = new Map<string, Found<string>>();
  for (const { labels, annotations, spec, from } of objects.workloads) {
    if (!isOf(release, { labels, annotations }, "")) continue;
    for (const { valueFrom } of spec.containers.flatMap(({ env }) => env ?? [])) {
      const { name, key } = valueFrom?.secretKeyRef ?? {};
      if (name === undefined || key !== described.password || found.has(name)) continue;
      const shortName = matchName(described.names, name);
      if (shortName === undefined || !isOf(release, { labels: {} }, shortName)) continue;
      found.set(name, { value: name, from });
    }
  }
  return [...found.values()];
}
