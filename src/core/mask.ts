import { parseJson } from "./parse-json.ts";
import { redactText } from "./secrets.ts";

const masked = "***";

/**
 * The text without what looks like a secret, known or not: a text of an earlier run may hold what
 * nobody registered in this one.
 */
export function maskText(text: string): string {
  let result = withoutKeys(redactText(text));
  for (const [pattern, replacement] of patterns) result = result.replace(pattern, replacement);
  return result;
}

const secretWord =
  "password|passwd|passphrase|pwd|token|secret|api[-_]?key|private[-_]?key|access[-_]?key|authorization|credentials?";

const patterns: readonly (readonly [RegExp, string])[] = [
  // A password that is not encoded may hold any character of a URI.
  [/(mongodb(?:\+srv)?:\/\/[^/?#:@\s"'<>]*):[^\s"'<>]*@/gi, `$1:${masked}@`],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${masked}`],
  // JSON web tokens, and OpenShift's own.
  [/\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?/g, masked],
  [/\bsha256~[A-Za-z0-9_-]{16,}/g, masked],
  [
    new RegExp(`((?:${secretWord})\\\\?["']?\\s*[:=]\\s*)\\\\?["']?[^\\s"',;&<>\\\\]+`, "gi"),
    `$1${masked}`,
  ],
];

const keyBegin = "-----BEGIN [A-Z ]*PRIVATE KEY-----";
const keyEnd = "-----END [A-Z ]*PRIVATE KEY-----";
/** To its end, or as far as it was written; a line feed may be the two characters of JSON. */
const wholeKey = new RegExp(
  `${keyBegin}(?:[\\s\\S]{0,20000}?${keyEnd}|[A-Za-z0-9+/=\\s\\\\:,-]*)`,
  "g",
);
/** "-----BEGIN" in base64. */
const encodedKey = /LS0tLS1CRUdJT[A-Za-z0-9+/_-]+={0,2}/g;

function withoutKeys(text: string): string {
  return withoutEndOfKey(text).replace(wholeKey, masked).replace(encodedKey, masked);
}

/** A text that begins in the middle of a key. */
function withoutEndOfKey(text: string): string {
  const end = new RegExp(keyEnd).exec(text);
  if (end === null || new RegExp(keyBegin).test(text.slice(0, end.index))) return text;
  return masked + text.slice(end.index + end[0].length);
}

const secretField = new RegExp(`(?:${secretWord})s?$`, "i");

/**
 * A copy of plain data in which every text is masked, and whole where its field says that it is a
 * secret; so is the value of what has a name and a value, as a container's variables have.
 */
export function maskValue(value: unknown): unknown {
  if (typeof value === "string") return maskText(value);
  if (Array.isArray(value)) return value.map(maskValue);
  if (typeof value !== "object" || value === null) return value;
  if ("toJSON" in value && typeof value.toJSON === "function") return maskValue(value.toJSON());
  const isNamedSecret = "name" in value && secretField.test(String(value.name));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isSecret = secretField.test(key) || (isNamedSecret && key === "value");
      return [maskText(key), isSecret && isScalar(inner) ? masked : maskValue(inner)];
    }),
  );
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint";
}

/** As `maskValue` for each line that is JSON, and as `maskText` for every other. */
export function maskLines(text: string): string {
  return withoutKeys(text).split("\n").map(maskLine).join("\n");
}

function maskLine(line: string): string {
  const parsed = line.startsWith("{") ? parseJson(line) : undefined;
  return parsed === undefined ? maskText(line) : JSON.stringify(maskValue(parsed));
}
