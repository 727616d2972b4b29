import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { MigrationError } from "../../src/core/errors.ts";

/** How many cases instead of the few, always the same ones, that each test asks for by itself. */
const wanted = process.env["MIGCTL_FUZZ_RUNS"];

/** A test of a property. `make` is called within the test, and may make folders there. */
export function itHolds(name: string, runs: number, make: () => fc.IRawProperty<unknown>) {
  const settings = wanted === undefined ? { numRuns: runs, seed: 42 } : { numRuns: Number(wanted) };
  const timeout = wanted === undefined ? 10_000 : 3_600_000;
  it(name, async () => void (await fc.assert(make(), settings)), timeout);
}

/** Cases that once went wrong, by the name of their file in `test/fixtures/vectors/<target>`. */
export function readVectors<T>(target: string): [name: string, vector: T][] {
  const folder = join(import.meta.dirname, "../fixtures/vectors", target);
  return readdirSync(folder).map((file) => [
    file.replace(/\.json$/, "").replaceAll("-", " "),
    JSON.parse(readFileSync(join(folder, file), "utf8")) as T,
  ]);
}

/** The pieces of `whole` when it is cut at these places, of which any may lie beyond its end. */
export function cutAt(whole: string, places: readonly number[]): string[] {
  const cuts = [...places, whole.length].map((at) => Math.min(at, whole.length));
  cuts.sort((one, other) => one - other);
  return cuts.map((end, index) => whole.slice(cuts[index - 1] ?? 0, end));
}

/** As `cutAt`, of bytes. */
export function cutBytesAt(whole: Buffer, places: readonly number[]): Buffer[] {
  return cutAt(whole.toString("latin1"), places).map((piece) => Buffer.from(piece, "latin1"));
}

/** What `work` gives, or the error that it ends with, which must be of one of these codes. */
export async function resultOrError<T>(
  work: () => T | Promise<T>,
  codes: readonly string[],
): Promise<T | MigrationError> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    expect(codes).toContain(error.code);
    return error;
  }
}
