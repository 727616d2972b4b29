import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { inLumps } from "../../../src/receiver/in-lumps.ts";

async function lumpsOf(pieces: Iterable<Buffer>): Promise<Buffer[]> {
  const lumps: Buffer[] = [];
  for await (const lump of Readable.from(pieces).pipe(inLumps())) lumps.push(lump);
  return lumps;
}

it("hands on every byte in its order, small ones together", async () => {
  const pieces = Array.from({ length: 500 }, () => randomBytes(20));
  const lumps = await lumpsOf(pieces);
  expect(Buffer.concat(lumps)).toEqual(Buffer.concat(pieces));
  expect(lumps.length).toBeLessThan(50);
});

it("keeps no more than a lump, however much comes", async () => {
  const pieces = Array.from({ length: 40 }, () => randomBytes(50_000));
  const lumps = await lumpsOf(pieces);
  expect(Buffer.concat(lumps)).toEqual(Buffer.concat(pieces));
  expect(Math.max(...lumps.map(({ length }) => length))).toBeLessThan(2 * 64 * 1024);
});

it("waits but a moment for more, and hands on what is there", async () => {
  const lumps = inLumps();
  lumps.write("asked");
  const [piece] = await new Promise<Buffer[]>((done) => lumps.once("data", (one) => done([one])));
  expect(String(piece)).toBe("asked");
  lumps.destroy();
});
