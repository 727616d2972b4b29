import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { placeholders, referencePairs } from "../../../src/config/application.ts";
import { loadApplication, parseApplication } from "../../../src/config/load-application.ts";
import { asMigrationError } from "../../../src/core/errors.ts";
import { tempDir } from "../../support/temp-dir.ts";

const head = "application: x\ndatabase: d\nmount: /m\ncollections:\n";

function problemsOf(text: string): unknown {
  try {
    parseApplication(text, "my.yaml");
  } catch (thrown) {
    const error = asMigrationError(thrown);
    expect({ code: error.code, exit: error.exitCode }).toEqual({ code: "E_APPLICATION", exit: 2 });
    const { problems } = error.fields;
    return problems;
  }
  return "no problem";
}

function bomb(): string {
  const names = [..."abcdefghi"];
  const lines = names.map((name, i) => {
    const inner = i === 0 ? "x" : `*${names[i - 1]}`;
    return `${name}: &${name} [${Array(9).fill(inner).join(", ")}]`;
  });
  return lines.join("\n");
}

it.each<[string, string, string[]]>([
  ["an empty file", "", ["1:1: Invalid input: expected object, received null"]],
  ["a comment alone", "# x\n", ["1:1: Invalid input: expected object, received null"]],
  ["a list", "- a\n", ["1:1: Invalid input: expected object, received array"]],
  ["text", "hello", ["1:1: Invalid input: expected object, received string"]],
  [
    "what is missing",
    "application: x\n",
    ["1:1: database: is missing", "1:1: mount: is missing", "1:1: collections: is missing"],
  ],
  [
    "unknown keys, each one",
    `${head}  A: { scope: {}, child: 1 }\nfoo: 1\n`,
    [
      "5:8: collections.A.scope: is not known here",
      "5:19: collections.A.child: is not known here",
      "6:1: foo: is not known here",
    ],
  ],
  [
    "wrong types, each one",
    "application: 012\ndatabase: [no]\nmount: data\ncollections: []\n",
    [
      "1:1: application: Invalid input: expected string, received number",
      "2:1: database: Invalid input: expected string, received array",
      '3:1: mount: Invalid string: must start with "/"',
      "4:1: collections: Invalid input: expected record, received array",
    ],
  ],
  [
    "references to nothing",
    `${head}  A: { child-of: { B: x }, references: { C: y } }\n`,
    [
      '5:20: collections.A.child-of.B: refers to "B", which is not described',
      '5:42: collections.A.references.C: refers to "C", which is not described',
    ],
  ],
  [
    "references to what every object has",
    `${head}  A: { references: { constructor: y } }\n`,
    ['5:22: collections.A.references.constructor: refers to "constructor", which is not described'],
  ],
  [
    "a cycle, at each collection of it",
    `${head}  A: { child-of: { B: x } }\n  B: { child-of: { A: x } }\n  C: { child-of: { A: x } }\n`,
    [
      "5:8: collections.A.child-of: is its own ancestor: A -> B -> A",
      "6:8: collections.B.child-of: is its own ancestor: B -> A -> B",
    ],
  ],
  [
    "its own parent",
    `${head}  A: { child-of: { A: x } }\n`,
    ["5:8: collections.A.child-of: is its own ancestor: A -> A"],
  ],
  [
    "syntax errors",
    "application: [x\ndatabase: }\n",
    [
      "2:1: Flow sequence in block collection must be sufficiently indented and end with a ]",
      '2:11: Unexpected flow-map-end token in YAML stream: "}"',
    ],
  ],
  ["a key given twice", `${head}  A: {}\n  A: {}\n`, ["6:3: Map keys must be unique"]],
  ["an alias bomb", bomb(), ["1:1: Excessive alias count indicates a resource exhaustion attack"]],
  [
    "an alias of nothing",
    `${head}  A: *zz\n`,
    ["1:1: Unresolved alias (the anchor must be set before the alias): zz"],
  ],
  [
    "a prototype, at any depth",
    `${head}  __proto__: {}\n  A: { references: { __proto__: x } }\n`,
    ["5:3: __proto__ cannot be a key", "6:22: __proto__ cannot be a key"],
  ],
  ["tabs", `${head}\tA: {}\n`, ["5:1: Tabs are not allowed as indentation"]],
  [
    "a fault after CRLF",
    `${head}  A: { zz: 1 }\n`.replaceAll("\n", "\r\n"),
    ["5:8: collections.A.zz: is not known here"],
  ],
  ["a tag", `${head}  A: !js {}\n`, ["5:6: Unresolved tag: !js"]],
  [
    "two documents",
    `${head}  A: {}\n---\n`,
    ["6:1: Source contains multiple documents; please use YAML.parseAllDocuments()"],
  ],
  [
    "paths that leave the mount",
    `${head}  A: { expects: [../x, a/../b, /etc] }\n`,
    [
      "5:18: collections.A.expects.0: must be a path below the mount, without a leading slash and without ..",
      "5:24: collections.A.expects.1: must be a path below the mount, without a leading slash and without ..",
      "5:32: collections.A.expects.2: must be a path below the mount, without a leading slash and without ..",
    ],
  ],
  [
    "a brace left open",
    `${head}  A: { expects: ["{owner/x"] }\n`,
    ["5:18: collections.A.expects.0: must hold fields as {field}, and no other braces"],
  ],
  [
    "a file entry of no kind, by the nearest",
    `${head}  A: { files: [{ dir: x }] }\n`,
    [
      "5:16: collections.A.files.0.directory: is missing",
      "5:18: collections.A.files.0.dir: is not known here",
    ],
  ],
  [
    "a never path that is no name",
    `${head}  A: {}\nnever: { paths: [a/b] }\n`,
    ["6:18: never.paths.0: must be one name"],
  ],
  [
    "a step afterwards without its reason",
    `${head}  A: {}\nafter: [{ clear: x }]\n`,
    ["6:9: after.0.because: is missing"],
  ],
])("tells file, line and column of %s", (_, text, problems) => {
  expect(problemsOf(text)).toEqual(problems.map((problem) => `my.yaml:${problem}`));
});

it("refuses lists too deep to read, within a second", () => {
  const start = performance.now();
  expect(problemsOf(`a: ${"[".repeat(5000)}`)).toContainEqual(
    expect.stringMatching(/^my\.yaml:1:\d+: /),
  );
  expect(performance.now() - start).toBeLessThan(1000);
});

it("reads a lattice of parents in less than a second", () => {
  const levels = Array.from({ length: 60 }, (_, i) => {
    const parents = i === 0 ? "{ Z: x }" : `{ L${i - 1}: x, M${i - 1}: x }`;
    return `  L${i}: { child-of: ${parents} }\n  M${i}: { child-of: ${parents} }\n`;
  });
  const start = performance.now();
  parseApplication(`${head}  Z: {}\n${levels.join("")}`, "my.yaml");
  expect(performance.now() - start).toBeLessThan(1000);
});

it.each([
  ["a byte order mark", `\ufeff${head}  A: {}\n`],
  ["CRLF", `${head}  A: {}\n`.replaceAll("\n", "\r\n")],
  ["JSON", '{"application":"x","database":"d","mount":"/m","collections":{"A":{}}}'],
])("reads %s", (_, text) => {
  expect(parseApplication(text, "my.yaml")).toEqual({
    application: "x",
    database: "d",
    mount: "/m",
    collections: { A: {} },
    never: { collections: [], paths: [] },
    writers: [],
    after: [],
  });
});

it("takes words that YAML 1.1 made booleans of as text", () => {
  const { never } = parseApplication(
    `${head}  A: {}\nnever: { paths: [no, yes, on] }\n`,
    "my.yaml",
  );
  expect(never.paths).toEqual(["no", "yes", "on"]);
});

it("has mvi built in", async () => {
  const { application, collections, never } = await loadApplication("mvi");
  expect(application).toBe("mvi");
  expect(Object.keys(collections)).toHaveLength(19);
  for (const name of never.collections) expect(collections).not.toHaveProperty(name);
});

it("reads a user's own file by its path", async () => {
  const path = join(tempDir(), "own.yaml");
  writeFileSync(path, `${head}  A: {}\n`);
  expect((await loadApplication(path)).application).toBe("x");
});

it.each([
  [
    "nope",
    'There is no application "nope"',
    "Built in: mvi; for your own give the path of its file, as ./nope.yaml",
  ],
  ["./nope.yaml", 'Cannot read the application description "./nope.yaml"', "There is no such file"],
  ["/", 'Cannot read the application description "/"', "EISDIR"],
])("says what is wrong with the name %j", async (name, message, hint) => {
  await expect(loadApplication(name)).rejects.toMatchObject({
    code: "E_APPLICATION",
    message,
    hint,
  });
});

it("finds the fields of a pattern, in order", () => {
  expect(placeholders("{owner}/x/{_id}.zip")).toEqual(["owner", "_id"]);
});

it("makes pairs of a reference table", () => {
  expect(referencePairs({ A: "a", B: ["b", "c"] })).toEqual([
    { target: "A", field: "a" },
    { target: "B", field: "b" },
    { target: "B", field: "c" },
  ]);
});
