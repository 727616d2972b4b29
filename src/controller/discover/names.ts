/** What a name of the application's description stands for, once the release is known. */
export interface Words {
  database?: string;
  release?: string;
  /** The short name that the release's objects begin with. */
  name?: string;
  namespace?: string;
}

/** What `{name}` stands for in a name that fits; "" in a pattern without it, undefined if none fits. */
export function matchName(patterns: readonly string[], name: string): string | undefined {
  for (const pattern of patterns) {
    const match = expressionOf(pattern).exec(name);
    if (match !== null) return match.groups?.["name"] ?? "";
  }
  return undefined;
}

function expressionOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.+?()[\]|]/g, "\\$&")
    .replaceAll("*", ".*")
    .replace("{name}", "(?<name>.+)");
  return new RegExp(`^${source}$`, "s");
}

/** The names that patterns stand for without a look at what there is; one with a `*` is none. */
export function exactNames(patterns: readonly string[], name: string | undefined): string[] {
  return patterns
    .filter((pattern) => !pattern.includes("*") && (name !== undefined || !hasName(pattern)))
    .map((pattern) => pattern.replace("{name}", name ?? ""));
}

function hasName(pattern: string): boolean {
  return pattern.includes("{name}");
}

/** The text with what is known in it; undefined where a word of it is not known. */
export function fillTemplate(template: string, words: Words): string | undefined {
  let isComplete = true;
  const text = template.replace(/\{(database|release|name|namespace)\}/g, (_, key: keyof Words) => {
    const word = words[key];
    if (word === undefined) isComplete = false;
    return word ?? "";
  });
  return isComplete ? text : undefined;
}
