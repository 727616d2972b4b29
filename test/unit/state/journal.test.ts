import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { expect, it } from "vitest";
import { createJournal, openJournal, readJournal } from "../../../src/state/journal.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { done, runStarted, stamped, started } from "./sample.ts";

async function writeJournal(path: string) {
  const journal = await createJournal(path, 1, 1, stamped(runStarted));
  await journal.append(2, 1, stamped(started));
  await journal.append(3, 1, stamped(done));
  await journal.close();
  return readFileSync(path);
}

it("replays what was appended", async () => {
  const path = join(tempDir(), "events.ndjson");
  const bytes = await writeJournal(path);
  const content = await readJournal(path);
  expect(content).toMatchObject({ length: bytes.length, status: { seq: 3, state: "running" } });
});

it("cuts a torn last line off before the next append, wherever it was torn", async () => {
  const path = join(tempDir(), "events.ndjson");
  const bytes = await writeJournal(path);
  const lastLine = bytes.lastIndexOf(10, bytes.length - 2) + 1;
  for (let end = lastLine; end < bytes.length; end += 1) {
    writeFileSync(path, bytes.subarray(0, end));
    const torn = await readJournal(path);
    expect(torn).toMatchObject({ length: lastLine, status: { seq: 2 } });
    const journal = await openJournal(path, lastLine);
    await journal.append(3, 1, stamped(done));
    await journal.close();
    expect(readFileSync(path).equals(bytes)).toBe(true);
  }
});

it("takes a last line of zeros, as a power cut leaves it, for a torn one", async () => {
  const path = join(tempDir(), "events.ndjson");
  const bytes = await writeJournal(path);
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(300)]));
  expect(await readJournal(path)).toMatchObject({ length: bytes.length, status: { seq: 3 } });
});

it("finds any changed byte before the last line and names the line", async () => {
  const path = join(tempDir(), "events.ndjson");
  const bytes = await writeJournal(path);
  const firstEnd = bytes.indexOf(10);
  const lastLine = bytes.lastIndexOf(10, bytes.length - 2) + 1;
  for (let offset = 0; offset < lastLine; offset += 1) {
    const broken = Buffer.from(bytes);
    broken.writeUInt8(broken.readUInt8(offset) ^ 1, offset);
    writeFileSync(path, broken);
    const line = offset <= firstEnd ? 1 : 2;
    await expect(readJournal(path)).rejects.toMatchObject({
      code: "E_INTEGRITY",
      fields: { line },
    });
  }
});

it("finds a line that is gone", async () => {
  const path = join(tempDir(), "events.ndjson");
  const lines = (await writeJournal(path)).toString().split("\n");
  writeFileSync(path, [lines[0], lines[2], ""].join("\n"));
  await expect(readJournal(path)).rejects.toMatchObject({
    code: "E_INTEGRITY",
    fields: { line: 2 },
  });
});

it("refuses a line of a newer format, also as the last one", async () => {
  const path = join(tempDir(), "events.ndjson");
  const bytes = await writeJournal(path);
  const content = '{"version":2,"seq":4,"news":true}';
  const crc = crc32(content).toString(16).padStart(8, "0");
  writeFileSync(path, `${bytes}{"crc":"${crc}",${content.slice(1)}\n`);
  await expect(readJournal(path)).rejects.toMatchObject({ code: "E_VERSION" });
});

it("leaves out what a holder wrote after its lock was taken over", async () => {
  const path = join(tempDir(), "events.ndjson");
  await writeJournal(path);
  const length = statSync(path).size;
  const old = await openJournal(path, length);
  const late = { type: "run-interrupted", exitCode: 143 } as const;
  await old.append(4, 1, stamped(late));
  const taken = await openJournal(path, statSync(path).size);
  await taken.append(
    4,
    2,
    stamped({ ...runStarted, holder: { ...runStarted.holder, fencing: 2 } }),
  );
  await old.append(5, 1, stamped(late));
  await taken.append(5, 2, stamped({ type: "step-started", item: "server", step: "restore" }));
  await old.append(6, 1, stamped(late));
  await Promise.all([old.close(), taken.close()]);
  expect(await readJournal(path)).toMatchObject({
    status: { seq: 5, state: "running", holder: { fencing: 2 } },
  });
});
