import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { expect, it } from "vitest";
import { noise } from "../fixtures/server/random.ts";
import { between, emptySide, programs, type Side } from "../support/migration.ts";
import { doc, el, i32, insertRaw, str } from "../support/raw-bson.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const megabytes = Number(process.env["MIGCTL_MEMORY_MB"] ?? 500);
const limitKiB = 256 * 1024;

it(`moves ${megabytes} MB of documents within 256 MiB of memory`, async () => {
  const folder = makeDir();
  const source = await emptySide(join(folder, "a"), "6.0");
  const destination = await emptySide(join(folder, "d"), "6.0");
  await fill(source, megabytes);
  const { code, peaks } = await runWatched(["start", ...between(source, destination)]);
  await source.mongod.stop();
  await destination.mongod.stop();
  removeTree(folder);
  process.stderr.write(`Peak memory in KiB: ${JSON.stringify(peaks)}\n`);
  expect(code).toBe(0);
  for (const peak of Object.values(peaks)) expect(peak).toBeLessThan(limitKiB);
}, 900_000);

/** Three shapes: many small documents, fewer larger ones, and some of half a megabyte. */
async function fill({ mongod }: Side, size: number) {
  const client = await MongoClient.connect(mongod.uri);
  const db = client.db("DLAAS");
  const shapes = [
    { name: "Small", bytes: 400, share: 0.4 },
    { name: "Medium", bytes: 1800, share: 0.4 },
    { name: "Large", bytes: 500_000, share: 0.2 },
  ];
  for (const { name, bytes, share } of shapes) {
    const count = Math.ceil((size * 1_000_000 * share) / bytes);
    const perBatch = Math.max(1, Math.min(2000, Math.floor(4_000_000 / bytes)));
    for (let start = 0; start < count; start += perBatch) {
      const batch = Array.from({ length: Math.min(perBatch, count - start) }, (_, index) =>
        makeDocument(start + index, bytes),
      );
      await insertRaw(db, name, Buffer.concat(batch));
    }
  }
  await client.close();
}

function makeDocument(number: number, bytes: number): Buffer {
  const text = noise(String(number), Math.ceil(bytes / 2)).toString("hex");
  return doc(
    el(2, "_id", str(`id-${number}`)),
    el(0x10, "n", i32(number)),
    el(2, "text", str(text)),
  );
}

/** Runs migctl and notes the peak memory of every process of it. */
async function runWatched(args: string[]) {
  const child = spawn(process.execPath, [programs.migctl, ...args], { stdio: "ignore" });
  const peaks: Record<string, number> = {};
  const timer = setInterval(() => {
    for (const pid of [child.pid!, ...childrenOf(child.pid!)]) note(pid, peaks);
  }, 200);
  const [code] = await once(child, "close");
  clearInterval(timer);
  return { code, peaks };
}

function childrenOf(parent: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : "";
    return stat.split(") ").at(-1)?.split(" ")[1] === String(parent) ? [Number(name)] : [];
  });
}

function note(pid: number, peaks: Record<string, number>) {
  const peak = Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
  const command = read(`/proc/${pid}/cmdline`).split("\0");
  const name = command.some((part) => /manager(\/main\.ts)?$/.test(part)) ? "migmgr" : "migctl";
  if (command[0] !== "") peaks[`${name} ${command.includes("check") ? "check" : ""}`.trim()] = peak;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
