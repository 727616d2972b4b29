import { MigrationError } from "../../core/errors.ts";
import { byConfig, flagOf } from "./choose.ts";
import { type DatabasePlace, findDatabasePlace } from "./database-place.ts";
import type { DatabaseLogin, DiscoveredDatabase, Found } from "./discovered.ts";
import { findLoginSecret, type LoginSecret } from "./login-secret.ts";
import { fillTemplate } from "./names.ts";
import type { Release } from "./release.ts";
import type { Search } from "./search.ts";

export interface FoundDatabase {
  database: DiscoveredDatabase | undefined;
  secret: Found<string> | undefined;
}

/** Undefined where nothing tells it, which is an E_DISCOVERY where it is needed. */
export async function findDatabase(
  search: Search,
  release: Release,
  isNeeded: boolean,
): Promise<FoundDatabase> {
  const place = findDatabasePlace(search, release);
  if (place === undefined) {
    if (isNeeded) throw notTold(search, release);
    return { database: undefined, secret: undefined };
  }
  const name = findName(search, release, place.isExternal);
  const secret = await findSecret(search, release, place);
  const { tls, replicaSet } = search.config.database ?? {};
  const database: DiscoveredDatabase = {
    name,
    ...place,
    login: findLogin(search, release, { place, secret, database: name.value }),
    ...(replicaSet === undefined ? {} : { replicaSet }),
  };
  if (tls !== undefined) {
    database.tls = {
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.certificate === undefined ? {} : { certificate: tls.certificate }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      allowInvalidCertificates: tls.allowInvalidCertificates ?? false,
    };
  }
  if (isNeeded) warnOfMissingLogin(search, database, secret);
  return { database, secret: secret?.name };
}

/** Where the config says the whole log-in, no Secret is asked. */
async function findSecret(search: Search, release: Release, { isExternal }: DatabasePlace) {
  const { uri, password } = search.config.database ?? {};
  if (uri !== undefined || password !== undefined) return undefined;
  return findLoginSecret(search, release, isExternal);
}

function findName(search: Search, release: Release, isExternal: boolean): Found<string> {
  const { config, application, known, namespace } = search;
  const { settings } = release;
  if (config.database?.name !== undefined) return { value: config.database.name, from: byConfig };
  if (settings?.database !== undefined) return { value: settings.database, from: settings.from };
  const from = `application description "${application.application}"`;
  const template = isExternal ? known.database.external?.database : undefined;
  if (template === undefined) return { value: application.database, from };
  const value = fillTemplate(template, { namespace, ...wordsOf(release) });
  return { value: value ?? application.database, from };
}

function wordsOf({ name, shortName }: Release) {
  return { release: name.value, ...(shortName === undefined ? {} : { name: shortName }) };
}

interface LoginSources {
  place: DatabasePlace;
  secret: LoginSecret | undefined;
  database: string;
}

function findLogin(search: Search, release: Release, sources: LoginSources): DatabaseLogin {
  const given = search.config.database;
  if (given?.uri !== undefined) return { uri: { value: given.uri, from: byConfig } };
  const username = findUsername(search, release, sources);
  const password = findPassword(search, sources.secret);
  const login: DatabaseLogin = { authSource: findAuthSource(search, release, sources) };
  if (username !== undefined) login.username = username;
  if (password !== undefined) login.password = password;
  return login;
}

/** Of the Secret before the ConfigMap: the password there is this user's. */
function findUsername(
  { config, application, known }: Search,
  { settings }: Release,
  { place, secret }: LoginSources,
): Found<string> | undefined {
  if (config.database?.username !== undefined) {
    return { value: config.database.username, from: byConfig };
  }
  const encoded = secret?.object?.data?.[secret.described.username ?? ""];
  if (encoded !== undefined && secret !== undefined) {
    const value = Buffer.from(encoded, "base64").toString("utf8");
    return { value, from: `Secret "${secret.name.value}"` };
  }
  if (settings?.username !== undefined) return { value: settings.username, from: settings.from };
  const { username } = known.database;
  const from = `application description "${application.application}"`;
  // The usual user is the one of the release's own database.
  return username === undefined || place.isExternal ? undefined : { value: username, from };
}

function findPassword({ config }: Search, secret: LoginSecret | undefined) {
  if (config.database?.password !== undefined) {
    return { value: config.database.password, from: byConfig };
  }
  if (secret?.object?.data?.[secret.described.password] === undefined) return undefined;
  const { value: name, from } = secret.name;
  return { value: { secret: { name, key: secret.described.password } }, from };
}

function findAuthSource(search: Search, release: Release, { place, database }: LoginSources) {
  const { config, known, application, namespace } = search;
  if (config.database?.authSource !== undefined) {
    return { value: config.database.authSource, from: byConfig };
  }
  const { external } = known.database;
  const template =
    (place.isExternal ? external?.["auth-source"] : undefined) ?? known.database["auth-source"];
  const value = fillTemplate(template, { database, namespace, ...wordsOf(release) });
  const from = `application description "${application.application}"`;
  return { value: value ?? database, from };
}

function warnOfMissingLogin(
  { side, warn }: Search,
  { login }: DiscoveredDatabase,
  secret: LoginSecret | undefined,
) {
  if (login.uri !== undefined) return;
  if (login.password !== undefined) {
    const flag = flagOf({ side, field: "database.username" });
    if (login.username === undefined) warn(`Nothing tells the database's user: give ${flag}`);
    return;
  }
  const why =
    secret === undefined
      ? "No Secret with the database's log-in can be seen"
      : secret.object === undefined
        ? `Secret "${secret.name.value}" may not be read`
        : `Secret "${secret.name.value}" has no key "${secret.described.password}"`;
  const field = "database.password.file";
  warn(`${why}: give the password with ${flagOf({ side, field }, "PATH")}`);
}

function notTold({ side, namespace }: Search, release: Release): MigrationError {
  return new MigrationError(
    "E_DISCOVERY",
    `Nothing in the ${side}'s namespace "${namespace}" tells where the database of release "${release.name.value}" is`,
    {
      hint: `Give ${flagOf({ side, field: "database.hosts" }, "{host:port,host:port}")}, ${flagOf({ side, field: "database.service" })}, or database.uri in the network config`,
    },
  );
}
