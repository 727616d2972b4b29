import fc from "fast-check";
import { expect, it } from "vitest";
import { parseApplication } from "../../../src/config/load-application.ts";
import { parseNetwork } from "../../../src/config/network-load.ts";
import { overlayOf } from "../../../src/config/network-overlay.ts";
import { readBuiltIn } from "../../../src/core/built-in.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import { itHolds, readVectors, resultOrError } from "../../support/fuzz.ts";

const network = `{
  // where it is moved from and to
  "source": { "cluster": { "context": "old" }, "namespace": "vision", },
  "destination": {
    "cluster": { "server": "https://api.test:6443", "token": { "file": "token" } },
    "database": { "hosts": ["a:1"], "tls": { "ca": { "file": "db.pem" } } },
  },
}
`;
const application = readBuiltIn("applications/mvi.yaml");

const kinds = {
  "a.yaml": (text: string) => parseApplication(text, "a.yaml"),
  "n.jsonc": (text: string) => parseNetwork(text, "n.jsonc"),
  "n.yaml": (text: string) => parseNetwork(text, "n.yaml"),
};
type Kind = keyof typeof kinds;

/** What was read has no field of our making, or of the text's, on the prototype of all objects. */
async function check(kind: Kind, text: string) {
  const found = await resultOrError(() => kinds[kind](text), ["E_CONFIG", "E_APPLICATION"]);
  expect(Object.keys(Object.prototype)).toEqual([]);
  if (!(found instanceof MigrationError)) return;
  const problems = found.fields["problems"] as string[];
  expect(problems).not.toEqual([]);
  for (const problem of problems) expect(problem).toMatch(/^[an]\.(?:yaml|jsonc):\d+:\d+: ./s);
}

const token = fc.constantFrom(
  ...['"', "'", "{", "}", "[", "]", ":", ",", "- ", "? ", "|", ">", "\n", "\n  ", "\t", "\r"],
  ...["&a ", "*a ", "!!binary ", "!!set ", "!odd ", "<<: ", "---\n", "...\n", "%YAML 1.1\n---\n"],
  ...["#", "//", "/*", "\\u0000", "\ufeff", "\0", "\ud800", "~", "null", "1e999", "-0", ".nan"],
  ...["__proto__: ", '"__proto__": 1,', '"constructor": {"prototype": {"a": 1}},', "cluster: "],
);
const change = fc.record({
  at: fc.nat(),
  removed: fc.nat(30),
  put: fc.array(token).map((all) => all.join("")),
});
const start = fc.constantFrom<[Kind, string]>(
  ["a.yaml", application],
  ["n.jsonc", network],
  ["n.yaml", network.replace(/ *\/\/.*\n/, "")],
);

itHolds("reads a file that was changed anywhere, or tells where it is wrong", 200, () =>
  fc.asyncProperty(
    start,
    fc.array(change, { minLength: 1, maxLength: 3 }),
    async ([kind, whole], changes) => {
      let text = whole;
      for (const { at, removed, put } of changes) {
        const from = at % (text.length + 1);
        text = text.slice(0, from) + put + text.slice(from + removed);
      }
      await check(kind, text);
    },
  ),
);

itHolds("reads any text, or tells where it is wrong", 300, () => {
  const tokens = fc.array(token, { maxLength: 30 }).map((all) => all.join(""));
  const text = fc.oneof(
    fc.string(),
    tokens,
    fc.jsonValue().map((value) => JSON.stringify(value)),
  );
  return fc.asyncProperty(fc.constantFrom<Kind>("a.yaml", "n.jsonc", "n.yaml"), text, check);
});

itHolds("puts any flags over a file, or tells which one is wrong", 200, () => {
  const name = fc.constantFrom(
    "source",
    "destination",
    "cluster",
    "__proto__",
    "constructor",
    "database",
    "hosts",
    "x",
  );
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("."));
  const leaf = fc.oneof(fc.constantFrom("true", "{a,b}", "{}", ""), fc.string());
  const set = fc.oneof(
    fc.tuple(path, leaf).map((both) => both.join("=")),
    fc.string(),
  );
  return fc.asyncProperty(fc.array(set, { maxLength: 3 }), async (texts) => {
    const work = () => parseNetwork(network, "n.jsonc", overlayOf({ set: texts }));
    await resultOrError(work, ["E_CONFIG", "E_USAGE"]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

interface Vector {
  kind: Kind;
  repeated: [text: string, count: number][];
}

it.each(readVectors<Vector>("config-file"))("tells where %s is wrong", async (_, vector) => {
  await check(vector.kind, vector.repeated.map(([text, count]) => text.repeat(count)).join(""));
});
