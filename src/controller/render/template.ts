import { parse } from "yaml";
import { readBuiltIn } from "../../core/built-in.ts";
import { MigrationError } from "../../core/errors.ts";
import { KubeObject } from "../../kube/resource.ts";
import { shellWord } from "./shell.ts";

export type TemplateName =
  | "deployment-safe"
  | "deployment-classic"
  | "job"
  | "receiver"
  | "config-map"
  | "secret"
  | "service-account"
  | "network-policy";

/** What takes the place of `var-<name>`; undefined removes what would have had the value. */
export type Variables = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A template's object with the variables in it; each must be known to both sides. */
export function fillTemplate(name: TemplateName, variables: Variables): KubeObject {
  return KubeObject.parse(fill(readTemplate(name), name, variables));
}

function readTemplate(name: TemplateName): unknown {
  return parse(readBuiltIn(`templates/${name}.yaml`));
}

const whole = /^var-([a-z]+(?:-[a-z]+)*)$/;
const within = /\bvar-([a-z]+(?:-[a-z]+)*)/g;

/** Values go into the parsed object, and are not looked at for variables again. */
export function fill(template: unknown, name: string, variables: Variables): unknown {
  const unused = new Set(Object.keys(variables));
  function take(variable: string) {
    if (!Object.hasOwn(variables, variable)) {
      throw mismatch(name, `wants "${variable}", for which there is no value`);
    }
    unused.delete(variable);
    return variables[variable];
  }
  function put(node: unknown): unknown {
    if (typeof node === "string") return putText(node, take);
    if (Array.isArray(node)) return node.flatMap(put).filter((item) => item !== undefined);
    if (typeof node !== "object" || node === null) return node;
    const entries = Object.entries(node).map(([key, value]) => [key, put(value)] as const);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  const filled = put(template);
  if (unused.size > 0) throw mismatch(name, `has no place for "${[...unused].join('", "')}"`);
  return filled;
}

function putText(text: string, take: (variable: string) => Variables[string]): unknown {
  const [, variable] = whole.exec(text) ?? [];
  if (variable !== undefined) return take(variable);
  return text.replace(within, (_, inner: string) =>
    [take(inner) ?? []].flat().map(shellWord).join(" "),
  );
}

function mismatch(name: string, message: string): MigrationError {
  return new MigrationError("E_CONFIG", `The template "${name}" ${message}`, {
    hint: "Use the templates of this version of migctl",
  });
}
