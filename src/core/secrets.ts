/** Every form of every secret of this process; only ever added to, so that no line can leak one. */
const forms = new Set<string>();

/** Registers a secret; from now on it is masked in plain, URL-encoded, JSON and base64 form. */
export function registerSecret(secret: string) {
  if (secret.length < 3) return;
  forms.add(secret);
  forms.add(encodeURIComponent(secret));
  forms.add(JSON.stringify(secret).slice(1, -1));
  forms.add(Buffer.from(secret).toString("base64").replace(/=+$/, ""));
}

/** Registers the password of a URI, if it has one; what cannot be parsed is left alone. */
export function registerUriSecret(uri: string) {
  const password = /^[a-z+]+:\/\/[^/?#:@]*:([^/?#]*)@/i.exec(uri)?.[1];
  if (password === undefined) return;
  forms.add(password);
  try {
    registerSecret(decodeURIComponent(password));
  } catch {
    registerSecret(password);
  }
}

/** The text with every registered secret, and every password in a URI, replaced by `***`. */
export function redactText(text: string): string {
  let redacted = text;
  for (const form of forms) redacted = redacted.replaceAll(form, "***");
  return redacted.replace(/([a-z+]+:\/\/[^/?#:@\s"]*):[^/?#@\s"]+@/gi, "$1:***@");
}
