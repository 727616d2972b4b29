import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import fc from "fast-check";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { MigrationError } from "../../../src/core/errors.ts";
import { kubeconfigLogin } from "../../../src/kube/kubeconfig-login.ts";
import { itHolds, readVectors, resultOrError } from "../../support/fuzz.ts";
import { tempDir } from "../../support/temp-dir.ts";

const secret = "canary-of-a-token";
const codes = ["E_CONFIG", "E_AUTHENTICATION"];

async function logIn(path: string, text: string) {
  writeFileSync(path, text);
  const login = await kubeconfigLogin({ kubeconfig: path }, {});
  await login.credentials();
  return login;
}

function good() {
  return {
    clusters: [{ name: "c", cluster: { server: "https://a.test" } }],
    users: [{ name: "u", user: { token: secret } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
}

/** A value in the place of each that a good one has, or beside it. */
const place = fc.constantFrom(
  ...["clusters", "users", "contexts", "current-context", "clusters.0", "users.0", "contexts.0"],
  ...["clusters.0.name", "clusters.0.cluster", "clusters.0.cluster.server", "users.0.name"],
  ...["clusters.0.cluster.certificate-authority-data", "clusters.0.cluster.tls-server-name"],
  ...["users.0.user", "users.0.user.client-certificate-data", "users.0.user.client-key-data"],
  ...["users.0.user.username", "users.0.user.password", "users.0.user.token"],
  ...["users.0.user.as-groups", "users.0.user.auth-provider", "contexts.0.context"],
  ...["users.0.user.impersonate-user", "users.0.user.as", "contexts.0.context.namespace"],
);
const value = fc.oneof(
  fc.constantFrom(
    null,
    "",
    0,
    true,
    [],
    {},
    [null],
    [{}],
    { name: "x" },
    { name: "azure", config: {} },
  ),
  fc.jsonValue({ maxDepth: 1 }),
);

function put(target: object, path: string, given: unknown) {
  const parts = path.split(".");
  const last = parts.pop() ?? "";
  let at: unknown = target;
  for (const part of parts) at = (at as Record<string, unknown> | undefined)?.[part];
  if (typeof at === "object" && at !== null) (at as Record<string, unknown>)[last] = given;
}

itHolds("takes any kubeconfig, or says what is wrong without what stands there", 200, () => {
  const path = join(tempDir(), "config");
  const puts = fc.array(fc.tuple(place, value), { minLength: 1, maxLength: 3 });
  return fc.asyncProperty(puts, async (changes) => {
    const config = good();
    for (const [where, given] of changes) put(config, where, structuredClone(given));
    const found = await resultOrError(() => logIn(path, stringify(config)), codes);
    if (found instanceof MigrationError) expect(inspect(found)).not.toContain(secret);
  });
});

itHolds("says of any text what is wrong with it without showing it", 200, () => {
  const path = join(tempDir(), "config");
  const whole = stringify(good());
  return fc.asyncProperty(fc.nat(whole.length), fc.string(), async (at, more) => {
    const text = `${whole.slice(0, at)}${more}${whole.slice(at)}`;
    const found = await resultOrError(() => logIn(path, text), codes);
    if (found instanceof MigrationError) expect(inspect(found)).not.toContain(secret);
  });
});

it.each(readVectors<string>("kubeconfig"))(
  "shows nothing of %s, nor warns with it",
  async (_, text) => {
    const warnings: unknown[] = [];
    const keep = (warning: unknown) => warnings.push(warning);
    process.on("warning", keep);
    await resultOrError(() => logIn(join(tempDir(), "config"), text), codes);
    // Node tells of a warning in the next turn.
    await setImmediate();
    process.off("warning", keep);
    expect(warnings).toEqual([]);
  },
);
