/** Every form of every secret of this process; only ever added to, so that no line can leak one. */
const forms = new Set<string>();

const shortest = 3;

/**
 * Registers a secret; from now on it is masked in plain, URL-encoded, JSON and base64 form, also
 * within a longer base64 text. One or two characters are not: they are in every other word.
 */
export function registerSecret(secret: string) {
  if (secret.length < shortest) return;
  const encoded = encodeURIComponent(secret.toWellFormed());
  const lowerCase = encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const escaped = JSON.stringify(secret).slice(1, -1);
  for (const form of [secret, encoded, lowerCase, escaped, ...base64Forms(secret)]) forms.add(form);
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
  // A longer form first: masking "pass" in "password" would leave "***word".
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
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
