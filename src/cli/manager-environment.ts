import { options } from "../config/options.ts";
import { failpointVariables } from "../core/failpoints.ts";
import type { Option } from "../core/option.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const names = [
  ...["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "SSH_AUTH_SOCK"],
  // How the program itself is run, and whom it trusts.
  ...["LD_LIBRARY_PATH", "NODE_OPTIONS", "NODE_COMPILE_CACHE", "NODE_EXTRA_CA_CERTS"],
  ...["NODE_USE_SYSTEM_CA", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
  ...failpointVariables,
  ...Object.values<Option>(options).flatMap(({ env }) => env ?? []),
];

/**
 * What a manager on this machine gets of our environment. Whatever else is there, such as the
 * variables of which a network config says that they hold a password, it does not need.
 */
export function managerEnvironment(env: Environment): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name]) => names.includes(name) || name.startsWith("LC_"),
  );
  return Object.fromEntries(
    kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
