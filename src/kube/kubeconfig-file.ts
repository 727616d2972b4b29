import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { codeOf, MigrationError } from "../core/errors.ts";
import type { Environment } from "./proxy.ts";

const text = z.string().nullish();

const ClusterEntry = z.looseObject({
  server: z.string(),
  "certificate-authority": text,
  "proxy-url": text,
  "insecure-skip-tls-verify": z.boolean().nullish(),
});

const ExecEntry = z.looseObject({
  apiVersion: text,
  command: z.string(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
});

const UserEntry = z.looseObject({
  "client-certificate": text,
  "client-key": text,
  tokenFile: text,
  password: text,
  "as-groups": z.array(z.string()).nullish(),
  "as-uid": text,
  exec: ExecEntry.nullish(),
});
export type UserEntry = z.infer<typeof UserEntry>;

const ContextEntry = z.looseObject({ cluster: z.string(), user: text, namespace: text });

/** A kubeconfig, the fields of it that we look at; the rest goes to the client as it is. */
const Kubeconfig = z.looseObject({
  clusters: z.array(z.looseObject({ name: z.string(), cluster: ClusterEntry })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user: UserEntry.nullish() })).nullish(),
  contexts: z.array(z.looseObject({ name: z.string(), context: ContextEntry })).nullish(),
  "current-context": text,
});
export type Kubeconfig = z.infer<typeof Kubeconfig>;

/** One file that must be there, else what $KUBECONFIG lists, else ~/.kube/config. */
export async function readKubeconfig(
  file: string | undefined,
  environment: Environment,
): Promise<Kubeconfig> {
  if (file !== undefined) return readOne(file);
  const listed = (environment["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  const home = environment["HOME"] ?? homedir();
  const paths = listed.length > 0 ? [...new Set(listed)] : [join(home, ".kube", "config")];
  const found: Kubeconfig[] = [];
  for (const path of paths) {
    try {
      found.push(await readOne(path));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return merge(found);
}

function isMissing(error: unknown): boolean {
  return error instanceof MigrationError && codeOf(error.cause) === "ENOENT";
}

/** A warning would go to standard error, with the line that it is about: that may hold a token. */
const parsing = { maxAliasCount: 100, logLevel: "error" } as const;

async function readOne(path: string): Promise<Kubeconfig> {
  try {
    const parsed: unknown = parse(await readFile(path, "utf8"), parsing);
    return withAbsolutePaths(Kubeconfig.parse(parsed ?? {}), dirname(path));
  } catch (error) {
    const missing = codeOf(error) === "ENOENT";
    throw new MigrationError("E_CONFIG", `Cannot read the kubeconfig "${path}"`, {
      // A parser's error shows the lines around, which may hold a token.
      ...(error instanceof YAMLParseError ? {} : { cause: error }),
      hint: missing ? "There is no such file" : problemOf(error),
    });
  }
}

/** Where it is wrong, never what stands there: it may be a secret. */
function problemOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    return error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  }
  if (error instanceof YAMLParseError) {
    return `It is not YAML: see line ${error.linePos?.[0].line ?? "1"}`;
  }
  return codeOf(error) === undefined ? "It is not YAML" : `It cannot be read: ${codeOf(error)}`;
}

/** Of two entries of one name the first is taken, as of two current contexts. */
function merge(files: readonly Kubeconfig[]): Kubeconfig {
  const first = <T extends { name: string }>(lists: readonly (T[] | null | undefined)[]) => {
    const byName = new Map<string, T>();
    for (const entry of lists.flatMap((list) => list ?? [])) {
      if (!byName.has(entry.name)) byName.set(entry.name, entry);
    }
    return [...byName.values()];
  };
  return {
    clusters: first(files.map(({ clusters }) => clusters)),
    users: first(files.map(({ users }) => users)),
    contexts: first(files.map(({ contexts }) => contexts)),
    "current-context": files.map((file) => file["current-context"]).find(Boolean),
  };
}

/** Relative paths are seen from the file's own folder, a plugin's only if it is a path at all. */
function withAbsolutePaths(config: Kubeconfig, folder: string): Kubeconfig {
  const absolute = <T extends string>(
    entry: { [key in T]?: string | null | undefined },
    key: T,
  ) => {
    const path = entry[key];
    if (path && !isAbsolute(path)) entry[key] = join(folder, path);
  };
  for (const { cluster } of config.clusters ?? []) absolute(cluster, "certificate-authority");
  for (const { user } of config.users ?? []) {
    if (!user) continue;
    for (const key of ["client-certificate", "client-key", "tokenFile"] as const) {
      absolute(user, key);
    }
    if (user.exec?.command.includes("/")) absolute(user.exec, "command");
  }
  return config;
}
