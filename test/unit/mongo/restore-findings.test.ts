import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openBeforeImages } from "../../../src/mongo/before-images.ts";
import { sha256 } from "../../../src/mongo/restore-candidate.ts";
import { pruneFindings } from "../../../src/mongo/restore-findings-prune.ts";
import { tempDir } from "../../support/temp-dir.ts";

const images = Buffer.from("one before|two before");
const ids = ["plain", "line\u2028separator"];
const [first = "", second = ""] = ids.map((id, ordinal) => {
  const [offset, length] = ordinal === 0 ? [0, 10] : [11, 10];
  const hash = sha256(images.subarray(offset, offset + length)).toString("hex");
  const before = { file: "before/0.bson", offset, length, sha256: hash };
  const idBytes = Buffer.from(id).toString("base64");
  return `${JSON.stringify({ collection: "C", ordinal, id, idBytes, before })}\n`;
});

it("gives what was overwritten, whatever characters its id has, and passes over half a line", async () => {
  const folder = tempDir();
  mkdirSync(join(folder, "before-r1-0"));
  writeFileSync(join(folder, "before-r1-0/0.bson"), images);
  writeFileSync(join(folder, "conflicts-r1-0.ndjson"), `${first}${second}${first.slice(0, -9)}`);
  const before = await openBeforeImages([folder], ["r1"]);
  const read = ids.map((id) => before.read("C", Buffer.from(id)));
  const found = (await Promise.all(read)).map(String);
  expect(found).toEqual(["one before", "two before"]);
});

it("keeps the line of what was overwritten, and its bytes, when a restore goes on", async () => {
  const folder = tempDir();
  mkdirSync(join(folder, "before"));
  writeFileSync(join(folder, "before/0.bson"), `${images}cut off`);
  writeFileSync(join(folder, "conflicts.ndjson"), `${first}${second}${first.slice(0, -9)}`);
  const undecided = await pruneFindings(folder, async (_collection, ordinal) => ordinal === 0);
  expect([...undecided.keys()]).toEqual(["1 C"]);
  expect(readFileSync(join(folder, "conflicts.ndjson"), "utf8")).toBe(`${first}${second}`);
  expect(readFileSync(join(folder, "before/0.bson"))).toEqual(images);
});
