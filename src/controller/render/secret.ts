import { MigrationError } from "../../core/errors.ts";
import type { KubeObject } from "../../kube/resource.ts";
import { largestData } from "./config-map.ts";
import { secretProxies } from "./environment.ts";
import type { RenderInput } from "./input.ts";
import { withMetadata } from "./metadata.ts";
import { fillTemplate } from "./template.ts";

export interface SecretInput {
  name: string;
  namespace: string;
  /** By their keys, as `credentialKeys` has them. */
  values: Readonly<Record<string, string>>;
}

/** A Secret with these values and nothing else. */
export function renderSecret({ name, namespace, values }: SecretInput): KubeObject {
  const entries = Object.entries(values).map(
    ([key, value]) => [key, Buffer.from(value).toString("base64")] as const,
  );
  const size = Object.values(values).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  if (size > largestData) {
    throw new MigrationError(
      "E_USAGE",
      `The credentials in "${name}" take ${size} bytes, but a Secret holds ${largestData}`,
      { hint: "Check which files were given" },
    );
  }
  const object = fillTemplate("secret", { "secret-name": name, namespace });
  return { ...object, data: Object.fromEntries(entries) };
}

/** The migration's own Secret; undefined where it refers to one that is there already. */
export function renderCredentials(input: RenderInput): KubeObject | undefined {
  const { secret, values } = input.credentials;
  if (values === undefined) return undefined;
  const all = { ...secretProxies(input), ...values };
  const object = renderSecret({ name: secret, namespace: input.namespace, values: all });
  return withMetadata(object, input, "manager");
}
