import { expect, it } from "vitest";
import { maskLines, maskText, maskValue } from "../../../src/core/mask.ts";

// Nothing here is registered: what an earlier run wrote is known to nobody any more.

const body = Array.from({ length: 3 }, (_, line) => `${line}canaryKeyBody+/${"A".repeat(48)}`);
const key = `-----BEGIN RSA PRIVATE KEY-----\n${body.join("\n")}\n-----END RSA PRIVATE KEY-----`;
const token = "eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJjYW5hcnkiOiJ4eCJ9.c2lnbmF0dXJlLWNhbmFyeQ";

it.each([
  ["mongodb://u:can/ary@b@host/db?x=1", "mongodb://u:***@host/db?x=1"],
  ["see https://u:canary@host/a", "see https://u:***@host/a"],
  ["Authorization: Bearer canary.canary", "Authorization: *** ***"],
  [`curl -H ${token} x`, "curl -H *** x"],
  ["login sha256~canary-canary-canary-canary", "login ***"],
  ["password=canary&user=x", "password=***&user=x"],
  ['failed: {"token": "canary", "a": 1}', 'failed: {"token": ***", "a": 1}'],
  ['{\\"clientSecret\\":\\"canary\\",\\"a\\":1}', '{\\"clientSecret\\":***\\",\\"a\\":1}'],
  [`before\n${key}\nafter`, "before\n***\nafter"],
  [JSON.stringify({ key, after: 1 }), '{"key":"***","after":1}'],
  [`${key.slice(0, 80)}", cut`, '***", cut'],
  [`${key.slice(40)}\nafter`, "***\nafter"],
  [`data: ${Buffer.from(key).toString("base64")}\nafter`, "data: ***\nafter"],
])("masks what looks like a secret in %j, known or not", (text, masked) => {
  expect(maskText(text)).toBe(masked);
});

it.each([
  "E_PERMISSION: the token of ServiceAccount migctl may not list secrets",
  "registry.example:5000/migctl@sha256:0123456789abcdef0123456789abcdef",
  "mongodb://host:27017/db, then https://host:6443/x@y",
  "-----BEGIN CERTIFICATE-----",
])("leaves %j as it is", (text) => {
  expect(maskText(text)).toBe(text);
});

it("masks fields by their names, and variables by theirs, but no place of a secret", () => {
  const value = {
    env: [
      { name: "DB_PASSWORD", value: "canary" },
      { name: "MODE", value: "fast" },
      { name: "API_TOKEN", valueFrom: { secretKeyRef: { name: "login", key: "token" } } },
    ],
    tokenFile: "/etc/migctl/token",
    accessToken: "canary",
    secret: { name: "login", key: "password" },
    count: 7n,
  };
  expect(maskValue(value)).toEqual({
    env: [{ name: "DB_PASSWORD", value: "***" }, value.env[1], value.env[2]],
    ...{ tokenFile: "/etc/migctl/token", accessToken: "***", secret: value.secret, count: 7n },
  });
});

it("keeps lines of JSON lines of JSON, and masks a key that goes over several", () => {
  const log = [
    JSON.stringify({
      level: 30,
      msg: "Step done",
      password: 'ca"nary',
      err: { uri: "mongodb://u:p@h" },
    }),
    "plain words, token: canary",
    key,
    JSON.stringify({ level: 40 }),
  ].join("\n");
  const lines = maskLines(log).split("\n");
  expect(JSON.parse(lines[0]!)).toEqual({
    ...{ level: 30, msg: "Step done", password: "***", err: { uri: "mongodb://u:***@h" } },
  });
  expect(lines.slice(1)).toEqual(["plain words, token: ***", "***", '{"level":40}']);
});
