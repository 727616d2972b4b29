import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { tempDir } from "../support/temp-dir.ts";

const program = join(import.meta.dirname, "programs", "state-lock.ts");

type Child = ChildProcessByStdio<Writable, Readable, null>;

interface Contender {
  child: Child;
  lines: AsyncIterator<string>;
}

async function startContender(folder: string): Promise<Contender> {
  const child = spawn(process.execPath, [program, folder], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("ready");
  return { child, lines };
}

async function ask({ child, lines }: Contender, command: string): Promise<string> {
  child.stdin.write(`${command}\n`);
  const { value } = await lines.next();
  return value;
}

function startContenders(folder: string) {
  return Promise.all(Array.from({ length: 8 }, () => startContender(folder)));
}

it("lets exactly one of eight processes in, round after round, also after a kill", async () => {
  const folder = join(tempDir(), "migration");
  const contenders = await startContenders(folder);
  let fencing = 0;
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(contenders.map((contender) => ask(contender, "take")));
    const won = answers.findIndex((answer) => answer.startsWith("won"));
    expect(answers.filter((answer) => answer !== "E_LOCKED")).toEqual([answers[won]]);
    const number = Number(answers[won]?.split(" ")[1]);
    expect(number).toBeGreaterThan(fencing);
    fencing = number;
    const winner = contenders[won]!;
    if (round % 2 === 0) {
      expect(await ask(winner, "release")).toBe("released");
      continue;
    }
    winner.child.kill("SIGKILL");
    await once(winner.child, "close");
    contenders[won] = await startContender(folder);
  }
});

it("lets eight processes in one after the other, while holders are killed", async () => {
  const folder = tempDir();
  mkdirSync(folder, { recursive: true });
  const contenders = await startContenders(folder);
  const answers = contenders.map((contender) => ask(contender, "turns"));
  const victims = contenders.slice(0, 2);
  for (const { child } of victims) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill("SIGKILL");
  }
  expect(await Promise.all(answers.slice(2))).toEqual(Array(6).fill("turns done"));
  const history = readFileSync(join(folder, "history"), "utf8").trimEnd().split("\n");
  let last = 0;
  let holder: number | undefined;
  let cut = 0;
  for (const line of history) {
    const [what, number] = line.split(" ");
    if (what === "in") {
      expect(Number(number)).toBeGreaterThan(last);
      if (holder !== undefined) cut += 1;
      last = Number(number);
      holder = last;
    } else {
      expect(Number(number)).toBe(holder);
      holder = undefined;
    }
  }
  expect(history.length).toBeGreaterThanOrEqual(120);
  expect(cut).toBeLessThanOrEqual(2);
});
