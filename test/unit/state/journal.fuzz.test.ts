import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { Event } from "../../../src/state/events.ts";
import { createJournal, readJournal } from "../../../src/state/journal.ts";
import { reduce } from "../../../src/state/reduce.ts";
import type { Status } from "../../../src/state/status.ts";
import { itHolds, readVectors, resultOrError } from "../../support/fuzz.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { done, runStarted, stamped, started } from "./sample.ts";

const damage = ["E_INTEGRITY", "E_VERSION"];
const events = [
  stamped(runStarted),
  stamped(started),
  stamped(done),
  stamped({ type: "step-started", item: "server", step: "restore" }),
  stamped({ type: "run-interrupted", exitCode: 143 }),
];

/** The status after each event, undefined before the first. */
const statuses: (Status | undefined)[] = [undefined];
for (const event of events) statuses.push(reduce(statuses.at(-1), event));

async function writeEvents(path: string): Promise<Buffer> {
  const [first, ...others] = events as [Event, ...Event[]];
  const journal = await createJournal(path, 1, 1, first);
  for (const [index, event] of others.entries()) await journal.append(index + 2, 1, event);
  await journal.close();
  return readFileSync(path);
}

/** A line whose checksum is right, whatever it says. */
function signed(content: string): string {
  const crc = crc32(content).toString(16).padStart(8, "0");
  return `{"crc":"${crc}",${content.slice(1)}\n`;
}

const change = fc.record({
  at: fc.nat(),
  removed: fc.nat(200),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc
      .constantFrom("\n", "\0".repeat(50), '{"crc":"', '{"crc":"00000000",', "\n\n")
      .map(Buffer.from),
  ),
});

itHolds(
  "gives a beginning of what was written or finds the damage, whatever is changed",
  200,
  () => {
    const path = join(tempDir(), "events.ndjson");
    const written = writeEvents(path);
    return fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      let bytes = await written;
      for (const { at, removed, put } of changes) {
        const start = at % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + removed)]);
      }
      writeFileSync(path, bytes);
      const found = await resultOrError(() => readJournal(path), damage);
      if (!(found instanceof MigrationError)) expect(statuses).toContainEqual(found?.status);
    });
  },
);

const content = fc.oneof(
  fc.dictionary(fc.constantFrom("version", "seq", "fencing", "event"), fc.jsonValue()),
  fc.record({
    version: fc.constantFrom(0, 1, 2),
    seq: fc.integer({ min: -1, max: 7 }),
    fencing: fc.integer({ min: -1, max: 2 }),
    event: fc.oneof(fc.constantFrom(...events), fc.jsonValue()),
  }),
);
const text = fc.oneof(
  content.map((value) => JSON.stringify(value)),
  fc.string().map((rest) => `{${rest.replaceAll("\n", "")}`),
);

itHolds("finds a line that it did not write, although its checksum is right", 200, () => {
  const path = join(tempDir(), "events.ndjson");
  const written = writeEvents(path);
  return fc.asyncProperty(text, fc.nat(5), async (line, place) => {
    const lines = (await written).toString().split("\n").slice(0, -1);
    lines.splice(place, 0, signed(line).slice(0, -1));
    writeFileSync(path, `${lines.join("\n")}\n`);
    const found = await resultOrError(() => readJournal(path), damage);
    if (found instanceof MigrationError) return;
    // Whether it counts beside the others is another matter: it may be one of ours.
    const { seq, fencing, event } = JSON.parse(line);
    expect([seq, fencing].every(Number.isInteger)).toBe(true);
    expect(Event.safeParse(event).success).toBe(true);
  });
});

it.each(readVectors<string>("journal"))(
  "names a line with the right checksum and %s",
  async (_, line) => {
    const path = join(tempDir(), "events.ndjson");
    const whole = await writeEvents(path);
    writeFileSync(path, Buffer.concat([whole, Buffer.from(signed(line))]));
    await expect(readJournal(path)).rejects.toMatchObject({
      code: "E_INTEGRITY",
      message: `Line 6 of "${path}" is damaged`,
      fields: { line: 6 },
    });
  },
);

const late = stamped({ type: "run-interrupted", exitCode: 143 });

/** What the new holder writes next, who goes on with the run and is stopped, again and again. */
function nextOf(status: Status | undefined): Event {
  return status?.state === "running" ? late : stamped(runStarted);
}

function lineOf(seq: number, fencing: number, event: Event): string {
  return signed(JSON.stringify({ version: 1, seq, fencing, event }));
}

itHolds("counts nothing of a holder whose lock was taken over, however the two write", 100, () => {
  const path = join(tempDir(), "events.ndjson");
  const written = writeEvents(path);
  const before = { status: statuses.at(-1), seqOfOld: events.length };
  return fc.asyncProperty(fc.array(fc.constantFrom("old", "new")), async (writers) => {
    let { status, seqOfOld } = before;
    const lines = [(await written).toString()];
    for (const writer of writers) {
      if (writer === "old") {
        lines.push(lineOf(++seqOfOld, 1, late));
        continue;
      }
      const event = nextOf(status);
      status = reduce(status, event);
      lines.push(lineOf(status.seq, 2, event));
    }
    writeFileSync(path, lines.join(""));
    if (writers.includes("new")) expect((await readJournal(path))?.status).toEqual(status);
  });
});
