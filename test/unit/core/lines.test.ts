import { writeFileSync } from "node:fs";
import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, it, vi } from "vitest";
import { fileLines, linesOf } from "../../../src/core/lines.ts";
import { tempDir } from "../../support/temp-dir.ts";

it("ends a line at a newline alone, wherever the parts end", async () => {
  const bytes = Buffer.from("a\u2028b\u2029\r\n\n\u00e4\nrest");
  const parts = Readable.from([...bytes].map((byte) => Buffer.of(byte)));
  const lines = linesOf(parts);
  expect(await lines.next()).toEqual({ done: false, value: "a\u2028b\u2029\r" });
  expect(await lines.next()).toEqual({ done: false, value: "\u00e4" });
  expect(await lines.next()).toEqual({ done: true, value: "rest" });
});

it("gives the last line of a file that no newline ends, and none of an empty file", async () => {
  const file = join(tempDir(), "list");
  for (const [text, lines] of [
    ["one\ntwo", ["one", "two"]],
    ["one\n", ["one"]],
    ["", []],
  ] as const) {
    writeFileSync(file, text);
    const found: string[] = [];
    for await (const line of fileLines(file)) found.push(line);
    expect(found).toEqual(lines);
  }
});

it("throws where a file is not there or cannot be read", async () => {
  const folder = tempDir();
  await expect(fileLines(join(folder, "none")).next()).rejects.toMatchObject({ code: "ENOENT" });
  await expect(fileLines(folder).next()).rejects.toMatchObject({ code: "EISDIR" });
});

/** How often this process has a file open. */
async function openings(file: string): Promise<number> {
  const descriptors = await readdir("/proc/self/fd");
  const names = descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "closed"));
  return (await Promise.all(names)).filter((name) => name === file).length;
}

it("leaves no file open where not all lines are taken", async () => {
  const file = join(tempDir(), "list");
  writeFileSync(file, "line\n".repeat(100_000));
  for await (const line of fileLines(file)) {
    expect([line, await openings(file)]).toEqual(["line", 1]);
    break;
  }
  await vi.waitFor(async () => expect(await openings(file)).toBe(0));
});
