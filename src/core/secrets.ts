const known = new Set<string>();
/** Every form of every secret of this process; only ever added to, so that no line can leak one. */
const forms = new Set<string>();
/** The same, the longest first: masking "pass" in "password" would leave "***word". */
let longestFirst: readonly string[] = [];

const shortest = 3;
/** Of a line of a key: what is shorter may be an ordinary word. */
const shortestLine = 16;

/**
 * Registers a secret; from now on it is masked in plain, URL-encoded, JSON and base64 form, also
 * within a longer base64 text; one of several lines, as a key is, also line by line. One or two
 * characters are not: they are in every other word.
 */
export function registerSecret(secret: string) {
  if (secret.length < shortest || known.has(secret)) return;
  known.add(secret);
  for (const form of formsOf(secret)) forms.add(form);
  for (const line of linesOf(secret)) forms.add(line);
  longestFirst = [...forms].sort((a, b) => b.length - a.length);
}

/** What a secret may look like: in a URL, in JSON (also within JSON's own texts), in base64. */
function formsOf(secret: string): string[] {
  const encoded = encodeURIComponent(secret.toWellFormed());
  const strict = encoded.replace(/[!'()*]/g, percentCode);
  const urls = [encoded, strict].flatMap((url) => [url, lowerCodes(url)]);
  const escaped = inJson(secret);
  return [secret, ...urls, escaped, inJson(escaped), ...base64Forms(secret)];
}

function percentCode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function lowerCodes(url: string): string {
  return url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** None of a secret of one line, and none that only says what follows it. */
function linesOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  if (lines.length === 1) return [];
  return lines.filter((line) => line.length >= shortestLine && !line.startsWith("-----"));
}

/** The characters that the secret alone decides, at each of the three alignments. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const texts = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)),
  );
  return texts.flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")]);
}

/** Registers the password of a URI, if it has one; what cannot be parsed is left alone. */
export function registerUriSecret(uri: string) {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/?#:@]*:(.*)@/is.exec(uri)?.[1];
  if (password === undefined) return;
  registerSecret(password);
  try {
    registerSecret(decodeURIComponent(password));
  } catch {
    // It is not percent-encoded: what stands there is the password.
  }
}

/** The text with every registered secret, and every password in a URI, replaced by `***`. */
export function redactText(text: string): string {
  let redacted = text;
  for (const form of longestFirst) redacted = redacted.replaceAll(form, "***");
  return redacted.replace(uriPassword, "$1:***@");
}

const uriPassword = /([a-z][a-z0-9+.-]*:\/\/[^/?#:@\s"]*):[^/?#@\s"]+@/gi;

/** A copy of plain data in which every text, also of a key, is redacted; so JSON stays JSON. */
export function redactValue(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value !== "object" || value === null) return value;
  if ("toJSON" in value && typeof value.toJSON === "function") return redactValue(value.toJSON());
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [redactText(key), redactValue(inner)]),
  );
}
