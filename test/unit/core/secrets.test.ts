import fc from "fast-check";
import { expect, it } from "vitest";
import {
  redactText,
  redactValue,
  registerSecret,
  registerUriSecret,
} from "../../../src/core/secrets.ts";
import { formsOf } from "../../support/canary.ts";

const secrets = [
  "canary-plain-1",
  'q"uo\\te-canary',
  "sp ace/+&canary",
  "$&$1.*(canary[",
  "käse-canary-ß",
];
for (const secret of secrets) registerSecret(secret);

it.each(secrets)("masks %j in every form that it can take", (secret) => {
  const lower = encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase());
  const forms = [secret, encodeURIComponent(secret), lower, JSON.stringify(secret).slice(1, -1)];
  for (const form of forms) expect(redactText(`<${form}>${form}`)).toBe("<***>***");
});

it.each(secrets)("masks %j within longer base64, at each alignment", (secret) => {
  for (const before of ["", "u", "us", "user:", "user12:"]) {
    for (const encoding of ["base64", "base64url"] as const) {
      const text = Buffer.from(`${before}${secret}:tail`).toString(encoding);
      expect(redactText(text)).toContain("***");
      expect(Buffer.from(redactText(text).replaceAll("*", ""), encoding).toString()).not.toContain(
        secret,
      );
    }
  }
});

it("masks the longer of two secrets whole when one begins the other", () => {
  registerSecret("swordfi");
  registerSecret("swordfish-canary");
  expect(redactText("swordfish-canary swordfi")).toBe("*** ***");
});

it("puts no pattern's meaning into a replacement", () => {
  expect(redactText("a $&$1.*(canary[ b")).toBe("a *** b");
});

it.each(["", "a", "ab"])("leaves ordinary text alone when a password is %j", (password) => {
  registerSecret(password);
  registerUriSecret(`mongodb://user:${password}@host/db`);
  const text = "abacus and a cab";
  expect(redactText(text)).toBe(text);
});

it.each([
  ["mongodb://u:x@h/d", "mongodb://u:***@h/d"],
  ["mongodb+srv://u:p%40q@h", "mongodb+srv://u:***@h"],
  ["see mongodb://:zz@h, then", "see mongodb://:***@h, then"],
  ["http://h:80/path", "http://h:80/path"],
])("masks the password of %s, known or not", (text, redacted) => {
  expect(redactText(text)).toBe(redacted);
});

it("masks a URI's password as written and as decoded", () => {
  registerUriSecret("mongodb://user:cana%2Fry%40x@host/db");
  expect(redactText("cana%2Fry%40x, cana/ry@x")).toBe("***, ***");
});

it("registers a URI's password that is not percent-encoded at all", () => {
  registerUriSecret("mongodb://user:100%canary@host/db");
  expect(redactText("was 100%canary")).toBe("was ***");
});

it("masks texts and keys of data and leaves the rest as it is", () => {
  registerSecret("12345");
  const value = {
    count: 12345,
    "canary-plain-1": ["canary-plain-1", null, true, 7n],
    at: new Date(0),
  };
  expect(redactValue(value)).toEqual({
    count: 12345,
    "***": ["***", null, true, 7n],
    at: "1970-01-01T00:00:00.000Z",
  });
});

it("masks any secret within any text", () => {
  fc.assert(
    fc.property(
      fc
        .uint16Array({ minLength: 12, maxLength: 24 })
        .map((codes) => String.fromCharCode(...codes)),
      fc.string(),
      (secret, around) => {
        registerSecret(secret);
        const shown = redactText(around + secret + around);
        expect(shown.includes(secret)).toBe(false);
      },
    ),
    { numRuns: 50 },
  );
});

it.each([
  ...[
    "p!a's(s)w*rd-canary",
    "plain-canary-2",
    'be\\"tween-canary',
    "tab\tcanary",
    "käse+/= canary",
  ],
])("masks every form of %j that a search for it knows", (secret) => {
  registerSecret(secret);
  for (const [name, form] of formsOf(secret)) {
    expect.soft(redactText(`<${form}>`), name).toBe("<***>");
  }
});

it("masks a key as a whole, as a text of JSON, in base64, and each of its lines", () => {
  const body = ["MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC7", "VJTUt9Us8cKjMzEfYyjiWA4R"];
  const key = `-----BEGIN PRIVATE KEY-----\n${body.join("\n")}\n-----END PRIVATE KEY-----\n`;
  registerSecret(key);
  expect(redactText(JSON.stringify({ key }))).toBe('{"key":"***"}');
  expect(redactText(Buffer.from(key).toString("base64"))).not.toContain("LS0tLS1CRUdJTiBQ");
  for (const line of body) expect(redactText(`at ${line}:`)).toBe("at ***:");
  expect(redactText("-----BEGIN PRIVATE KEY-----")).toBe("-----BEGIN PRIVATE KEY-----");
});
