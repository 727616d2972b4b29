import type { Container } from "../../kube/pod.ts";
import type { RenderInput } from "./input.ts";
import { credentialKeys, podPaths } from "./pod-paths.ts";

type Variables = NonNullable<Container["env"]>;

/** The variables that depend on the migration. */
export function environmentOf({ proxy = {}, extraCa, credentials }: RenderInput): Variables {
  const { HTTPS_PROXY, HTTP_PROXY, NO_PROXY } = proxy;
  const proxies = [
    ["HTTPS_PROXY", HTTPS_PROXY, credentialKeys.httpsProxy],
    ["HTTP_PROXY", HTTP_PROXY, credentialKeys.httpProxy],
  ] as const;
  const variables: Variables = [];
  for (const [name, url, key] of proxies) {
    if (url === undefined) continue;
    const secretKeyRef = { name: credentials.secret, key };
    variables.push(
      hasLogIn(url) ? { name, valueFrom: { secretKeyRef } } : { name, value: literal(url) },
    );
  }
  if (NO_PROXY !== undefined) variables.push({ name: "NO_PROXY", value: literal(NO_PROXY) });
  if (extraCa !== undefined) variables.push({ name: "NODE_EXTRA_CA_CERTS", value: podPaths.ca });
  return variables;
}

/** Proxies whose URL holds a password: they go into the Secret. */
export function secretProxies({ proxy = {} }: RenderInput): Record<string, string> {
  const found: Record<string, string> = {};
  const { HTTPS_PROXY, HTTP_PROXY } = proxy;
  if (HTTPS_PROXY && hasLogIn(HTTPS_PROXY)) found[credentialKeys.httpsProxy] = HTTPS_PROXY;
  if (HTTP_PROXY && hasLogIn(HTTP_PROXY)) found[credentialKeys.httpProxy] = HTTP_PROXY;
  return found;
}

function hasLogIn(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}

/** The kubelet expands `$(NAME)` in values. */
function literal(value: string): string {
  return value.replaceAll("$", "$$$$");
}
