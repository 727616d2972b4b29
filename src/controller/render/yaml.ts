import { Document, Scalar, visit } from "yaml";
import type { KubeObject } from "../../kube/resource.ts";

export interface YamlOptions {
  /** Lines for the reader, at the top. */
  header?: readonly string[];
  /** Prints secret values too. */
  withSecrets?: boolean;
}

/**
 * The objects as YAML for `kubectl apply -f -`. Secrets are left out, and the comment names them,
 * unless they are asked for.
 */
export function toYaml(objects: readonly KubeObject[], options: YamlOptions = {}): string {
  const { header = [], withSecrets = false } = options;
  const shown = objects.filter(({ kind }) => withSecrets || kind !== "Secret");
  const lines = [...header, ...secretLines(objects, withSecrets)];
  const comment = lines.map((line) => `# ${oneLine(line)}\n`).join("");
  return comment + shown.map((object) => `---\n${serialise(object)}`).join("");
}

function secretLines(objects: readonly KubeObject[], withSecrets: boolean): string[] {
  const referred = new Set(objects.flatMap(secretsOf));
  return [...referred].map((name) => {
    const isHere = objects.some(
      ({ kind, metadata }) => kind === "Secret" && metadata.name === name,
    );
    if (withSecrets && isHere)
      return `The Secret "${name}" is in here: keep this file as you keep it`;
    return `The Secret "${name}" is not in here: make it first, with migctl secret create`;
  });
}

/** Those that pods mount. */
function secretsOf(object: KubeObject): string[] {
  const names: string[] = [];
  JSON.stringify(object, (key, value: unknown) => {
    if (key === "secretName" && typeof value === "string") names.push(value);
    return value;
  });
  return names;
}

/** A text that both YAML 1.1, which kubectl reads, and 1.2 take for itself without quotes. */
const plain = /^(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z/][\w./-]*$/i;
/** Of lines that a block can hold as they are. */
const block =
  /^[^\s\p{C}\u2028\u2029\ufeff][^\p{C}\u2028\u2029\ufeff]*(?:\n[^\p{C}\u2028\u2029\ufeff]*)*\n$/u;

function serialise(object: KubeObject): string {
  const document = new Document(object, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(key, node) {
      if (typeof node.value !== "string") return;
      node.value = node.value.toWellFormed();
      node.type = styleOf(String(node.value), key === "key");
    },
  });
  return escapeOdd(document.toString({ lineWidth: 0, directives: false }));
}

function styleOf(text: string, isKey: boolean): Scalar.Type {
  if (plain.test(text)) return Scalar.PLAIN;
  return !isKey && block.test(text) ? Scalar.BLOCK_LITERAL : Scalar.QUOTE_DOUBLE;
}

/** What is left of odd characters is within double quotes, where an escape can stand for it. */
function escapeOdd(yaml: string): string {
  return yaml.replace(/[^\P{C}\n]|[\u2028\u2029\ufeff]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\U${code.toString(16).padStart(8, "0")}`;
  });
}

function oneLine(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]+/gu, " ");
}
