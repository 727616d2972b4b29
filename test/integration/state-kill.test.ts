import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, ftruncateSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { codeOf } from "../../src/core/errors.ts";
import { openLedger } from "../../src/state/ledger.ts";
import { readStatus } from "../../src/state/recover.ts";
import { openStore } from "../../src/state/store.ts";
import { tempDir } from "../support/temp-dir.ts";

const programs = join(import.meta.dirname, "programs");
const { signal } = new AbortController();

/** Starts a program that prints numbers, kills it after a while, and gives the last number. */
async function lastBeforeKill(args: string[], milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  await once(child.stdout, "data");
  await sleep(milliseconds);
  child.kill("SIGKILL");
  await closed(child);
  return Number(output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1));
}

async function closed(child: ChildProcess) {
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
}

it("loses no event that was appended, killed again and again at any moment", async () => {
  const folder = join(tempDir(), "migration");
  let last = 0;
  for (let round = 0; round < 25; round += 1) {
    const before = last;
    last = await lastBeforeKill([join(programs, "state-append.ts"), folder], Math.random() * 60);
    expect(last).toBeGreaterThan(before);
    const status = await readStatus(folder);
    expect(status.seq).toBeGreaterThanOrEqual(last);
    expect(status.seq).toBeLessThanOrEqual(last + 1);
    last = status.seq;
    if (round % 3 === 0) rmSync(join(folder, "status.json"), { force: true });
    expect((await readStatus(folder)).seq).toBe(last);
  }
});

const hasStrace = spawnSync("strace", ["-V"]).error === undefined;

it.skipIf(!hasStrace).each([["rename,renameat,renameat2"], ["fsync"], ["fdatasync"]])(
  "goes on to the end after a kill at any %s",
  async (calls) => {
    const program = join(programs, "state-run.ts");
    let count = 1;
    for (; ; count += 1) {
      const folder = join(tempDir(), "migration");
      const inject = `inject=${calls}:signal=KILL:when=${count}`;
      const traced = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${calls}`, "-e", inject];
      // strace counts for each thread, so all file work has to be done by one.
      const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
      const killed = spawnSync("strace", [...traced, process.execPath, program, folder], { env });
      if (killed.status === 0) break;
      expect(killed.signal).toBe("SIGKILL");
      const again = spawnSync(process.execPath, [program, folder], { encoding: "utf8" });
      expect([again.stderr, again.status]).toEqual(["", 0]);
      const status = await readStatus(folder);
      expect(status).toMatchObject({ state: "done", generation: 1, exitCode: 0 });
      for (const step of status.items[0]?.steps ?? []) {
        expect(step.state).toBe("done");
        expect(step.attempts).toBeLessThanOrEqual(2);
      }
    }
    expect(count).toBeGreaterThan(5);
  },
);

/** A small volume of its own, or undefined where this machine does not allow one. */
function smallVolume(): string | undefined {
  const folder = tempDir();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", folder]);
  if (mounted.status !== 0) return undefined;
  onTestFinished(() => void execFileSync("umount", [folder]));
  return folder;
}

function fill(path: string) {
  const file = openSync(path, "a");
  const block = Buffer.alloc(4096);
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    expect(codeOf(error)).toBe("ENOSPC");
  } finally {
    closeSync(file);
  }
}

it("records on a full volume thanks to its reserve, and is whole when that is used up", async ({
  skip,
}) => {
  const volume = smallVolume() ?? skip("No tmpfs can be mounted here");
  const folder = join(volume, "migration");
  const lock = { fencing: 1, check: () => undefined };
  const options = { clock: systemClock, lock, log: pino({ level: "silent" }) };
  const store = await openStore(folder, options);
  const items = [{ id: "server", scope: "server", steps: [{ id: "files", kind: "files-sync" }] }];
  const holder = { pid: 1, host: "here", since: 1, fencing: 1 };
  const run = { run: "r", plan: "p", name: "n", migrationType: "files", holder, items };
  await store.append({ type: "run-started", ...run });
  fill(join(volume, "filler"));
  const step = { item: "server", step: "files" };
  await store.append({ type: "step-started", ...step });
  expect(readdirSync(folder)).not.toContain("reserve");
  fill(join(volume, "filler"));
  const output = "x".repeat(100_000);
  await expect(store.append({ type: "step-done", ...step, output })).rejects.toMatchObject({
    code: "E_NO_SPACE",
  });
  expect(await readStatus(folder)).toMatchObject({ seq: 2, items: [{ state: "running" }] });
  const filler = openSync(join(volume, "filler"), "r+");
  ftruncateSync(filler, 0);
  closeSync(filler);
  await store.append({ type: "step-done", ...step, output });
  await store.append({ type: "run-finished", state: "done", exitCode: 0 });
  await store.close();
  for (const name of ["status.json", "status.previous.json"]) rmSync(join(folder, name));
  expect(await readStatus(folder)).toEqual(store.status);
});

it("keeps every batch that the ledger took, killed again and again", async () => {
  const folder = tempDir();
  let next = 0;
  for (let round = 0; round < 12; round += 1) {
    const args = [join(programs, "state-ledger.ts"), folder, String(next)];
    const last = await lastBeforeKill(args, Math.random() * 100);
    const ledger = await openLedger(folder, { clock: systemClock, signal });
    for (let batch = 0; batch <= last; batch += 1) {
      const ids = Array.from({ length: 500 }, (_, index) => Buffer.from(`${batch}/${index}`));
      const hash = Buffer.alloc(32, batch % 251);
      expect(ledger.documents.get("A", ids).every((record) => record?.hash.equals(hash))).toBe(
        true,
      );
    }
    ledger.close();
    next = last + 1;
  }
});
