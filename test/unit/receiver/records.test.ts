import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { Bytes } from "../../../src/receiver/calls.ts";
import { encodeRecord, longestRecord, readRecord } from "../../../src/receiver/records.ts";
import {
  decodeEnd,
  encodeEnd,
  fromWireError,
  toWireError,
} from "../../../src/receiver/wire-error.ts";

it("reads a record however it arrives, and leaves what follows it", async () => {
  const stream = new PassThrough();
  const value = { text: "ünïcode\n\0", list: [1, null] };
  const bytes = Buffer.concat([encodeRecord(value), encodeRecord("second"), Buffer.from("rest")]);
  for (const at of bytes.keys()) stream.write(bytes.subarray(at, at + 1));
  expect(await readRecord(stream)).toEqual(value);
  expect(await readRecord(stream)).toBe("second");
  stream.end();
  const rest: Buffer[] = [];
  for await (const piece of stream) rest.push(piece as Buffer);
  expect(String(Buffer.concat(rest))).toBe("rest");
});

it("tells an end between two records from one within a record", async () => {
  const whole = new PassThrough();
  whole.end();
  expect(await readRecord(whole)).toBeUndefined();
  for (const cut of [1, 4, 6]) {
    const stream = new PassThrough();
    stream.end(encodeRecord("a text").subarray(0, cut));
    await expect(readRecord(stream)).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  }
});

it("refuses a record that is too long, before it has come, and one that is no JSON", async () => {
  const long = new PassThrough();
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(longestRecord + 1);
  long.write(prefix);
  await expect(readRecord(long)).rejects.toMatchObject({ code: "E_REFUSED" });
  const wrong = new PassThrough();
  wrong.write(Buffer.from([0, 0, 0, 2, 0x7b, 0x7b]));
  await expect(readRecord(wrong)).rejects.toMatchObject({ code: "E_REFUSED" });
});

it("carries every byte of a path", () => {
  const path = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  expect(Bytes.decode(JSON.parse(JSON.stringify(Bytes.encode(path))))).toEqual(path);
});

function carry(error: unknown): Error {
  const end = decodeEnd(encodeEnd({ error: toWireError(error) }));
  return "error" in end ? fromWireError(end.error) : new Error("no error");
}

it("carries an error of the family with all that it says", () => {
  const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  const fields = { freeBytes: 1, list: ["a"] };
  const error = new MigrationError("E_NO_SPACE", "Ö: full", { hint: "Éxtend it", fields, cause });
  expect(carry(error)).toBeInstanceOf(MigrationError);
  expect(carry(error)).toMatchObject({ code: "E_NO_SPACE", message: "Ö: full", hint: "Éxtend it" });
  expect(carry(error)).toMatchObject({ fields, cause: { code: "ECONNREFUSED" } });
});

it("carries a system's error with its code, and any other as unexpected", () => {
  const gone = carry(Object.assign(new Error("gone"), { code: "ENOENT" }));
  expect(gone).not.toBeInstanceOf(MigrationError);
  expect(gone).toMatchObject({ code: "ENOENT", message: "gone" });
  expect(carry(new TypeError("x is undefined"))).toMatchObject({ code: "E_UNEXPECTED" });
});

it("keeps an error small enough for a trailer", () => {
  const text = "ä\n".repeat(50_000);
  const fields = { stderr: text };
  const end = encodeEnd({ error: toWireError(new MigrationError("E_PROGRAM", text, { fields })) });
  expect(end.length).toBeLessThan(32 * 1024);
  expect(end).toMatch(/^[\w-]+$/);
});
