import { readFile } from "node:fs/promises";
import type { Credential } from "../../config/credential.ts";
import { codeOf, MigrationError } from "../../core/errors.ts";
import { registerSecret } from "../../core/secrets.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { secrets } from "../../kube/resources.ts";

/** What credentials are read from. */
export interface CredentialSources {
  env: Readonly<Record<string, string | undefined>>;
  /** The namespace whose Secrets are meant; absent where no API can be asked yet. */
  secrets?: { cluster: Cluster; namespace: string };
}

/**
 * The value, registered as a secret at once. `what` names it in messages: "password of the
 * source's database". Throws E_CONFIG for what is not there or is empty.
 */
export async function readCredential(
  credential: Credential,
  what: string,
  sources: CredentialSources,
): Promise<string> {
  const value = await readFrom(credential, what, sources);
  if (value !== "") {
    registerSecret(value);
    return value;
  }
  throw new MigrationError("E_CONFIG", `The ${what} is empty in ${placeOf(credential)}`, {
    hint: "Write it there, or name another place",
  });
}

async function readFrom(
  credential: Credential,
  what: string,
  sources: CredentialSources,
): Promise<string> {
  if ("file" in credential) return withoutLineEnd(await readText(credential.file, what));
  if ("env" in credential) {
    const value = sources.env[credential.env];
    if (value !== undefined) return value;
    throw notThere(what, credential, `Set ${credential.env}, or name a file`);
  }
  return fromSecret(credential, what, sources.secrets);
}

/** The name that stands for the place in messages; of it nothing is secret. */
function placeOf(credential: Credential): string {
  if ("file" in credential) return `file "${credential.file}"`;
  if ("env" in credential) return `variable ${credential.env}`;
  return `key "${credential.secret.key}" of Secret "${credential.secret.name}"`;
}

/** An editor's or echo's line end is no part of a password. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new MigrationError("E_CONFIG", `Cannot read the ${what} from file "${path}"`, {
      cause: error,
      hint: codeOf(error) === "ENOENT" ? "There is no such file" : "Check its owner and mode",
    });
  }
}

async function fromSecret(
  credential: Extract<Credential, { secret: unknown }>,
  what: string,
  place: CredentialSources["secrets"],
): Promise<string> {
  if (place === undefined) throw notThere(what, credential, "Name a file or a variable");
  const { name, key } = credential.secret;
  const secret = await place.cluster.get(secrets, name, place.namespace);
  const encoded = secret?.data?.[key];
  if (encoded !== undefined) return Buffer.from(encoded, "base64").toString("utf8");
  const keys = Object.keys(secret?.data ?? {}).join(", ");
  const hint =
    secret === undefined
      ? `There is no such Secret in namespace "${place.namespace}"`
      : `The Secret has ${keys === "" ? "no keys" : `the keys ${keys}`}`;
  throw notThere(what, credential, hint);
}

function notThere(what: string, credential: Credential, hint: string): MigrationError {
  return new MigrationError("E_CONFIG", `The ${what} is not in ${placeOf(credential)}`, { hint });
}
