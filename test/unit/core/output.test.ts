import { expect, it } from "vitest";
import { parse } from "yaml";
import { asMigrationError, MigrationError } from "../../../src/core/errors.ts";
import { registerSecret } from "../../../src/core/secrets.ts";
import { captureOutput } from "../../support/sinks.ts";

const hostile = "a\u001b[31mred\u202egnp.exe\nforged\r\u0000\u009b\u007f\u2028";
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/;

it.each<[string, (out: ReturnType<typeof captureOutput>["out"]) => void, number]>([
  ["a line", (out) => out.line(hostile), 1],
  ["a note", (out) => out.note(hostile), 1],
  ["a table", (out) => out.table(["A"], [[hostile]]), 2],
  ["an error", (out) => out.error(new MigrationError("E_USAGE", hostile), { json: false }), 1],
  [
    "a hint",
    (out) => out.error(new MigrationError("E_USAGE", "x", { hint: hostile }), { json: false }),
    2,
  ],
  [
    "a problem",
    (out) =>
      out.error(new MigrationError("E_USAGE", "x", { fields: { problems: [hostile] } }), {
        json: false,
      }),
    2,
  ],
])("shows %s without raw control characters, and as one line", (_, print, lines) => {
  const { out, stdout, stderr } = captureOutput();
  print(out);
  const text = stdout() + stderr();
  expect(text).not.toMatch(raw);
  expect(text.trimEnd().split("\n")).toHaveLength(lines);
  expect(text).toContain("\\u001b[31mred\\u202egnp.exe");
});

it.each(["json", "yaml"] as const)(
  "prints %s that reads back as it was, without raw control characters",
  (format) => {
    const { out, stdout } = captureOutput();
    const value = { [hostile]: [hostile, 1, true, null], plain: "text" };
    out.data(value, format);
    expect(stdout()).not.toMatch(raw);
    expect(parse(stdout())).toEqual(value);
  },
);

it("prints big integers as text in JSON", () => {
  const { out, stdout } = captureOutput();
  out.data({ size: 9007199254740993n }, "json");
  expect(JSON.parse(stdout())).toEqual({ size: "9007199254740993" });
});

it("keeps JSON whole when a secret looks like a number or a keyword", () => {
  registerSecret("98765");
  registerSecret("null");
  const { out, stdout } = captureOutput();
  out.data({ a: 98765, b: null, c: "98765" }, "json");
  expect(JSON.parse(stdout())).toEqual({ a: 98765, b: null, c: "***" });
});

it("masks secrets wherever it prints", () => {
  registerSecret("canary-output");
  const { out, stdout, stderr } = captureOutput();
  out.line("canary-output");
  out.note("canary-output");
  out.table(["canary-output"], [["canary-output"]]);
  out.data({ "canary-output": "canary-output" }, "json");
  out.data({ "canary-output": "canary-output" }, "yaml");
  out.error(asMigrationError(new Error("canary-output")), { json: true });
  expect(stdout() + stderr()).not.toContain("canary-output");
});

it("prints the same object twice in YAML, without aliases", () => {
  const { out, stdout } = captureOutput();
  const scope = { kind: "server" };
  out.data([scope, scope], "yaml");
  expect(stdout()).toBe("- kind: server\n- kind: server\n");
});

it("prints tables in columns without borders", () => {
  const { out, stdout } = captureOutput();
  out.table(
    ["NAME", "COUNT"],
    [
      ["a", "1"],
      ["longer name", ""],
      ["", "3"],
    ],
  );
  expect(stdout()).toMatchInlineSnapshot(`
    "NAME          COUNT
    a             1
    longer name
                  3
    "
  `);
});

it("prints only the head of a table without rows", () => {
  const { out, stdout } = captureOutput();
  out.table(["NAME"], []);
  expect(stdout()).toBe("NAME\n");
});

it("shows the stack of a bug only", () => {
  const { out, stderr } = captureOutput();
  out.error(asMigrationError(new TypeError("boom")), { json: false });
  expect(stderr()).toMatch(/^Error: boom \(E_UNEXPECTED\)\nTypeError: boom\n {4}at /);
});
