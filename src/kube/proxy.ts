import { BlockList, isIP, isIPv4 } from "node:net";
import { MigrationError } from "../core/errors.ts";
import { registerUriSecret } from "../core/secrets.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const schemes = new Set(["http:", "https:", "socks5:", "socks5h:"]);

/**
 * The proxy for a server: the one that its configuration names, else HTTPS_PROXY (HTTP_PROXY for
 * plain HTTP) unless NO_PROXY excepts the host or it is this machine; so kubectl does it.
 */
export function proxyOf(
  server: URL,
  configured: string | undefined,
  environment: Environment,
): URL | undefined {
  const text = configured ?? proxyFromEnvironment(server, environment);
  if (text === undefined || text === "") return undefined;
  registerUriSecret(text);
  const withScheme = text.includes("://") ? text : `http://${text}`;
  const proxy = URL.parse(withScheme);
  if (proxy !== null && schemes.has(proxy.protocol)) return proxy;
  throw new MigrationError("E_CONFIG", `The proxy for ${server.origin} is not a URL of a proxy`, {
    hint: "Give it as http://host:port, https://host:port or socks5://host:port",
  });
}

function proxyFromEnvironment(server: URL, environment: Environment): string | undefined {
  const variable = (name: string) => environment[name] || environment[name.toLowerCase()];
  const host = server.hostname.replace(/^\[|\]$/g, "");
  if (isThisMachine(host)) return undefined;
  const port = server.port || (server.protocol === "http:" ? "80" : "443");
  if (isExcepted(host, port, variable("NO_PROXY") ?? "")) return undefined;
  return variable(server.protocol === "http:" ? "HTTP_PROXY" : "HTTPS_PROXY");
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

function isExcepted(host: string, port: string, list: string): boolean {
  const entries = list.split(",").map((entry) => entry.trim().toLowerCase());
  return entries.some((entry) => entry !== "" && fits(entry, host.toLowerCase(), port));
}

/** As Go's: `*`, an address, a range of addresses, or a name that stands for those below it too. */
function fits(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (isIP(host) !== 0 && entry.includes("/")) return isInRange(entry, host);
  const [, name = entry, itsPort] = /^(.+?):(\d+)$/.exec(isIP(entry) === 6 ? "" : entry) ?? [];
  if (itsPort !== undefined && itsPort !== port) return false;
  const bare = name.replace(/^\[|\]$/g, "").replace(/^\*?\./, "");
  const isBelow = host.endsWith(`.${bare}`) && isIP(host) === 0;
  return isBelow || (host === bare && !/^\*?\./.test(name));
}

function isInRange(range: string, host: string): boolean {
  const [address = "", bits = ""] = range.split("/");
  const family = isIP(address);
  if (family === 0 || family !== isIP(host) || !/^\d{1,3}$/.test(bits)) return false;
  const list = new BlockList();
  const type = family === 4 ? "ipv4" : "ipv6";
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  list.addSubnet(address, Number(bits), type);
  return list.check(host, type);
}
