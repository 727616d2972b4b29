import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { journalPath, readStatus, recover } from "../../../src/state/recover.ts";
import { parseStatus, Status } from "../../../src/state/status.ts";
import { itHolds, resultOrError } from "../../support/fuzz.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { writeSample } from "./sample.ts";

const damage = ["E_INTEGRITY", "E_VERSION"];

itHolds("takes only what is a whole status, whatever JSON stands there", 200, () => {
  const folder = tempDir();
  const writing = writeSample(folder);
  const key = fc.constantFrom(...Object.keys(Status.shape), "__proto__", "constructor");
  const json = fc.jsonValue();
  return fc.asyncProperty(fc.array(fc.tuple(key, json)), json, async (changes, other) => {
    await writing;
    const whole = JSON.parse(readFileSync(join(folder, "status.json"), "utf8"));
    const mixed = { ...whole, ...Object.fromEntries(changes) };
    for (const value of [mixed, other]) {
      const text = JSON.stringify(value);
      const found = await resultOrError(() => parseStatus(text, "status.json"), ["E_VERSION"]);
      if (found instanceof MigrationError) expect(value.version).toBeGreaterThan(1);
      else if (found !== undefined) expect(Status.parse(value)).toEqual(found);
    }
  });
});

const damaged = fc.record({
  at: fc.nat(),
  removed: fc.nat(100),
  put: fc.uint8Array({ maxLength: 10 }),
});
type Damaged = typeof damaged extends fc.Arbitrary<infer T> ? T : never;

function changed(whole: Buffer, { at, removed, put }: Damaged): Buffer {
  const start = at % whole.length;
  return Buffer.concat([whole.subarray(0, start), put, whole.subarray(start + removed)]);
}

itHolds("never falls behind the newest file that is whole, whatever the others hold", 100, () => {
  const folder = tempDir();
  const paths = [join(folder, "status.json"), journalPath(folder)];
  paths.push(join(folder, "status.previous.json"));
  const written = writeSample(folder).then((status) => {
    return {
      seq: status?.seq ?? 0,
      wholes: paths.map((path) => [path, readFileSync(path)] as const),
    };
  });
  const one = fc.option(damaged);
  return fc.asyncProperty(fc.tuple(one, one, one), async (changes) => {
    const { seq, wholes } = await written;
    for (const [index, [path, whole]] of wholes.entries()) {
      const change = changes[index];
      writeFileSync(path, change ? changed(whole, change) : whole);
    }
    const newest = [seq, seq, seq - 1].find((_, index) => changes[index] === null);
    for (const work of [() => readStatus(folder), async () => (await recover(folder)).status]) {
      const found = await resultOrError(work, damage);
      if (found instanceof MigrationError) expect(changes).not.toEqual([null, null, null]);
      else expect(found?.seq).toBeGreaterThanOrEqual(newest ?? 1);
    }
  });
});
