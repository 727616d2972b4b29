import { expect, it } from "vitest";
import { parseApplication } from "../../../src/config/load-application.ts";
import { bsonTypes, type RawValue } from "../../../src/mongo/bson-walk.ts";
import {
  inParentOrder,
  knownFields,
  neverCollections,
} from "../../../src/workers/application-facts.ts";
import type { Row } from "../../../src/workers/document-rows.ts";
import { expandPattern, selectFiles } from "../../../src/workers/select-files.ts";
import { sampleApplication } from "../../support/sample-plan.ts";

function text(value: string | Buffer): RawValue {
  const bytes = Buffer.from(value);
  return { type: bsonTypes.string, bytes: Buffer.concat([Buffer.alloc(4), bytes, Buffer.of(0)]) };
}

function int32(value: number): RawValue {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return { type: bsonTypes.int32, bytes };
}

function int64(value: bigint): RawValue {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return { type: bsonTypes.int64, bytes };
}

const objectId: RawValue = {
  type: bsonTypes.objectId,
  bytes: Buffer.from("5d1f00aa5d1f00aa5d1f00aa", "hex"),
};

it.each<[string, RawValue, string]>([
  ["text", text("jane"), "jane/x"],
  ["text with $&, dots and spaces", text("a $& ..b"), "a $& ..b/x"],
  ["text that looks like a field", text("{_id}"), "{_id}/x"],
  ["an ObjectId, as hex", objectId, "5d1f00aa5d1f00aa5d1f00aa/x"],
  ["an int32, as digits", int32(-7), "-7/x"],
  ["an int64, as digits", int64(9007199254740993n), "9007199254740993/x"],
])("makes a path of %s", (_, value, path) => {
  expect(expandPattern("{owner}/x", new Map([["owner", value]])).toString()).toBe(path);
});

it("keeps bytes that are not UTF-8", () => {
  const path = expandPattern("{owner}", new Map([["owner", text(Buffer.of(0x66, 0xff))]]));
  expect(path).toEqual(Buffer.of(0x66, 0xff));
});

it.each<[string, RawValue | undefined]>([
  ["a value that is not there", undefined],
  ["empty text", text("")],
  ["one dot", text(".")],
  ["two dots", text("..")],
  ["a slash", text("a/b")],
  ["NUL", text("a\0b")],
  ["a double", { type: bsonTypes.double, bytes: Buffer.alloc(8) }],
])("names the field whose value is %s", (_, value) => {
  const row: Row = new Map(value === undefined ? [] : [["owner", value]]);
  expect(expandPattern("x/{owner}", row)).toBe("owner");
});

const rows = new Map<string, Row[]>([
  [
    "Models",
    [
      new Map([
        ["owner", text("jane")],
        ["_id", text("m1")],
      ]),
      new Map([
        ["owner", text("..")],
        ["_id", text("m2")],
      ]),
    ],
  ],
  [
    "Parts",
    [
      new Map([
        ["owner", text("jane")],
        ["_id", objectId],
      ]),
    ],
  ],
  ["Notes", [new Map()]],
]);
const common = {
  application: sampleApplication,
  rows,
  includePaths: [],
  sourceDir: "/a",
  workDir: "/a/logs/migrations",
};
const ofDocuments = [
  { prefix: Buffer.from("jane/models/m1"), owned: true },
  { file: Buffer.from("jane/list.txt"), owned: true },
  { directory: Buffer.from("jane/parts/5d1f00aa5d1f00aa5d1f00aa"), owned: true },
];
const unsafe = [
  { collection: "Models", field: "owner" },
  { collection: "Models", field: "owner" },
];

it("takes a server's whole tree but what is never taken, and knows which files are documents'", () => {
  expect(selectFiles({ ...common, scope: { kind: "server" } })).toEqual({
    selection: {
      kind: "tree",
      exclude: ["logs", "run"],
      excludePaths: ["logs/migrations", "logs/migration", ".migctl-lock", "logs/migrations"].map(
        (path) => Buffer.from(path),
      ),
      owned: ofDocuments,
    },
    unsafe,
  });
});

it("takes a path along that is asked for, but its own folders never", () => {
  const { selection } = selectFiles({
    ...common,
    scope: { kind: "server" },
    includePaths: ["logs"],
    workDir: "/a/work",
  });
  expect(selection).toMatchObject({
    exclude: ["run"],
    excludePaths: ["logs/migrations", "logs/migration", ".migctl-lock", "work"].map((path) =>
      Buffer.from(path),
    ),
  });
});

it("takes a user's folder and documents' files", () => {
  const { selection } = selectFiles({ ...common, scope: { kind: "user", value: "jane" } });
  expect(selection).toMatchObject({
    kind: "paths",
    paths: [{ directory: Buffer.from("jane"), owned: true }, ...ofDocuments],
  });
});

it("takes only the documents' files of a user called like what is never taken", () => {
  const { selection } = selectFiles({ ...common, scope: { kind: "user", value: "logs" } });
  expect(selection).toMatchObject({ paths: ofDocuments });
});

it("reports a user whose name cannot be a folder", () => {
  const choice = selectFiles({ ...common, scope: { kind: "user", value: "../bob" } });
  expect(choice.unsafe).toEqual([{ collection: "user", field: "user" }, ...unsafe]);
});

it("takes only documents' files of a project group", () => {
  const { selection } = selectFiles({ ...common, scope: { kind: "project-group", value: "g" } });
  expect(selection).toMatchObject({ paths: ofDocuments });
});

it("puts parents before what is selected with them, in any order of the file", () => {
  const application = parseApplication(
    "application: x\ndatabase: d\nmount: /m\ncollections: { C: { child-of: { B: b } }, B: { child-of: { A: a } }, A: {}, D: {} }\n",
    "x.yaml",
  );
  expect(inParentOrder(application)).toEqual(["A", "B", "C", "D"]);
});

it.each([
  ["Models", ["_id", "group_id", "owner"]],
  ["Groups", ["_id", "owner"]],
  ["Parts", ["_id", "owner"]],
  ["Notes", []],
  ["Unknown", []],
])("knows which fields of %s it must know", (name, fields) => {
  expect(knownFields(sampleApplication, name).sort()).toEqual(fields);
});

it("leaves a collection that is asked for out of those never taken", () => {
  expect([
    neverCollections(sampleApplication, []),
    neverCollections(sampleApplication, ["Tokens"]),
  ]).toEqual([["Tokens"], []]);
});
