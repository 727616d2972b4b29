import { expect, it } from "vitest";
import { makeTrailerReader } from "../../../src/receiver/shell/trailer.ts";

const mark = "0123456789abcdef0123456789abcdef";

/** What is handed on of a text that comes in pieces of one size. */
function readIn(size: number, text: string) {
  const read = makeTrailerReader(Buffer.from(mark));
  let data = "";
  for (let at = 0; at < text.length; at += size) {
    const piece = read(Buffer.from(text.slice(at, at + size)));
    data += piece.data.toString();
    if (piece.exitCode !== undefined) return { data, exitCode: piece.exitCode };
  }
  return { data };
}

it("finds the trailer however what was said is cut into pieces", () => {
  const said = `some ${mark.slice(0, 20)} and ${mark.slice(0, 31)}\nmore`;
  const text = `${said}${mark} 23\n`;
  for (let size = 8; size <= text.length; size++) {
    expect(readIn(size, text).exitCode, `pieces of ${size}`).toBe(23);
  }
  expect(readIn(text.length, text)).toEqual({ data: said, exitCode: 23 });
  expect(readIn(16, text).data.slice(0, said.length)).toBe(said);
});

it("hands on at once what only might begin the trailer: the other end may wait for it", () => {
  const read = makeTrailerReader(Buffer.from(mark));
  const { data } = read(Buffer.from(`x${mark.slice(0, 3)}`));
  expect(data.toString()).toBe(`x${mark.slice(0, 3)}`);
  expect(read(Buffer.from("y")).data.toString()).toBe("y");
});

it("tells no end where there is no trailer", () => {
  expect(readIn(5, "said, and then cut")).toEqual({ data: "said, and then cut" });
});
