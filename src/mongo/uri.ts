import { readFile } from "node:fs/promises";
import { codeOf, MigrationError } from "../core/errors.ts";
import { registerUriSecret } from "../core/secrets.ts";
import type { DatabaseRef } from "./database.ts";

/** A connection string and what may be said of it. */
export interface ConnectionUri {
  /** Holds the password: goes to the driver and nowhere else. */
  uri: string;
  /** The hosts with their ports, for messages. */
  hosts: string;
}

const shape = /^mongodb(?:\+srv)?:\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^/?#]*)(?<path>\/[^?]*)?/;

/** Reads the URI from its file and registers its password as a secret. */
export async function readUri(ref: DatabaseRef): Promise<ConnectionUri> {
  const uri = (await readUriFile(ref.uriFile)).replace(/\r?\n$/, "");
  registerUriSecret(uri);
  return { uri, hosts: checkUri(uri, ref.uriFile) };
}

/** The URI with more options; what it holds stays as it is written. */
export function addUriOptions(uri: string, options: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(options).toString();
  if (/[?&]$/.test(uri)) return `${uri}${query}`;
  if (uri.includes("?")) return `${uri}&${query}`;
  const hasPath = shape.exec(uri)?.groups?.["path"] !== undefined;
  return `${uri}${hasPath ? "" : "/"}?${query}`;
}

export function hasUriOption(uri: string, name: string): boolean {
  return uriOption(uri, name) !== undefined;
}

/** Names of options have no case; of an option that is given twice the last one counts. */
export function uriOption(uri: string, name: string): string | undefined {
  const query = new URLSearchParams(uri.split("?").slice(1).join("?"));
  return [...query].findLast(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

async function readUriFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const missing = codeOf(error) === "ENOENT";
    throw new MigrationError("E_URI", `Cannot read the MongoDB URI file "${path}"`, {
      cause: error,
      hint: missing ? "Make the file, or name another one" : "Check the file's owner and mode",
    });
  }
}

/** Throws E_URI with what is wrong, or returns the host list; never repeats a part of the URI. */
function checkUri(uri: string, file: string): string {
  if (uri.trim() === "") {
    throw malformed(`The MongoDB URI file "${file}" is empty`, "Write the URI into it");
  }
  if (!/^mongodb(\+srv)?:\/\//.test(uri)) {
    throw malformed(
      `The file "${file}" holds no MongoDB URI`,
      "A URI begins with mongodb:// or mongodb+srv://",
    );
  }
  if (/\s/.test(uri)) throw malformed(`The MongoDB URI in "${file}" holds white space`, encodeHint);
  const { login, hosts = "", path = "" } = shape.exec(uri)?.groups ?? {};
  if (!loginIsEncoded(login) || path.includes("@")) {
    throw malformed(
      `The log-in of the MongoDB URI in "${file}" is not percent-encoded`,
      encodeHint,
    );
  }
  return hostList(hosts, file);
}

const encodeHint =
  "Percent-encode user and password: @ is %40, : is %3A, / is %2F, ? is %3F, # is %23, % is %25";

function loginIsEncoded(login: string | undefined): boolean {
  if (login === undefined) return true;
  if (/[@[\]]/.test(login) || login.split(":").length > 2) return false;
  return !/%(?![0-9a-f]{2})/i.test(login);
}

function hostList(hosts: string, path: string): string {
  const bad = hosts.split(",").find((host) => !isHost(host));
  if (bad === undefined) return hosts;
  throw malformed(
    `A host of the MongoDB URI in "${path}" is malformed`,
    `Hosts are host:port, separated by commas. ${encodeHint}`,
  );
}

function isHost(host: string): boolean {
  const port = /^(?:\[[0-9a-f:.%]+\]|[^:[\]]+)(?::(\d+))?$/i.exec(host);
  return port !== null && (port[1] === undefined || Number(port[1]) < 65_536);
}

function malformed(message: string, hint: string): MigrationError {
  return new MigrationError("E_URI", message, { hint });
}
