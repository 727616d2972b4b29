import { describe, expect, it } from "vitest";
import { runBenchmark } from "../../../bench/common/benchmark.ts";
import { measured } from "../../../bench/common/measure.ts";
import { isWanted, readOptions } from "../../../bench/common/options.ts";
import type { Row } from "../../../bench/common/rows.ts";

const cost = { wallMs: 1234, cpuMs: 567, peakRssBytes: 99 * 2 ** 20 };

function row(more: Partial<Row> = {}): Row {
  return {
    ...{ work: "backup", peer: "mongodump", aspect: "wall", rounds: 5, goal: 0.5, met: true },
    ...{ ratio: { median: 1 / 3, min: 0.2, max: 0.4 }, ours: cost, theirs: cost, ...more },
  };
}

async function run(rows: Row[], ...args: string[]) {
  const lines: string[] = [];
  const benchmark = { name: "x", describe: "Compares x", measure: async () => rows };
  const code = await runBenchmark(benchmark, args, (line) => lines.push(line));
  return { code, lines };
}

describe("runBenchmark", () => {
  it("ends with one JSON object of every row", async () => {
    const { lines, code } = await run([row(), row({ work: "restore", met: false })]);
    const { benchmark, machine, rows } = JSON.parse(lines.at(-1) ?? "");
    expect(benchmark).toBe("x");
    expect(machine).toMatchObject({ node: process.version });
    expect(rows).toMatchObject([
      { work: "backup", peer: "mongodump", ratio: 0.333, min: 0.2, max: 0.4, goal: 0.5, met: true },
      { work: "restore", met: false },
    ]);
    expect(code).toBe(0);
  });

  it("prints a table in front of it, and the notes below", async () => {
    const { lines } = await run([row({ notes: "on one core" })]);
    expect(lines.slice(0, -1)).toMatchInlineSnapshot(`
      [
        "| work   | peer      | of   | ratio | min  | max  | goal | met | ours   | CPU    | RSS    | theirs | CPU    | RSS    |",
        "|--------|-----------|------|-------|------|------|------|-----|--------|--------|--------|--------|--------|--------|",
        "| backup | mongodump | wall | 0.33  | 0.20 | 0.40 | 0.50 | yes | 1.23 s | 0.57 s | 99 MiB | 1.23 s | 0.57 s | 99 MiB |",
        "backup: on one core",
      ]
    `);
  });

  it("exits with 1 for a missed goal only where that is asked for", async () => {
    const missed = [row(), row({ met: false })];
    expect((await run(missed)).code).toBe(0);
    expect((await run(missed, "--strict")).code).toBe(1);
    expect((await run([row()], "--strict")).code).toBe(0);
  });

  it("says where less than all of the data was used", async () => {
    const { lines } = await run([row()], "--scale", "0.1");
    expect(lines[0]).toContain("0.1 of the data");
    expect(JSON.parse(lines.at(-1) ?? "").scale).toBe(0.1);
  });

  it("fails where --only leaves nothing", async () => {
    await expect(run([], "--only", "nonsense")).rejects.toThrow('"nonsense"');
  });
});

describe("the options", () => {
  it("are five rounds of everything by default", () => {
    expect(readOptions([])).toEqual({
      ...{ rounds: 5, only: undefined, scale: 1, strict: false, help: false },
    });
  });

  it("are refused where they are no numbers in range", () => {
    expect(() => readOptions(["--rounds", "0"])).toThrow("--rounds");
    expect(() => readOptions(["--scale", "2"])).toThrow("--scale");
    expect(() => readOptions(["--nonsense"])).toThrow("--nonsense");
  });

  it("choose works by a part of their names, in any case", () => {
    expect(isWanted("Backup, stored", { only: "backup" })).toBe(true);
    expect(isWanted("Restore", { only: "backup" })).toBe(false);
    expect(isWanted("Restore", { only: undefined })).toBe(true);
  });
});

describe("measured", () => {
  const spin = "const end = Date.now() + 200; while (Date.now() < end);";
  const script = `${spin} Buffer.alloc(150e6, 1); console.log("done")`;

  it("counts the time and the memory of what a command starts", async () => {
    const nested = `require("child_process").execFileSync(process.execPath, ["-e", ${JSON.stringify(script)}], { stdio: "inherit" })`;
    const cost = await measured({ name: "w", file: process.execPath, args: ["-e", nested] });
    expect(cost.stdout).toBe("done\n");
    expect(cost.cpuMs).toBeGreaterThanOrEqual(150);
    expect(cost.wallMs).toBeGreaterThan(200);
    expect(cost.peakRssBytes).toBeGreaterThan(150e6);
  });

  it("fails with what a command said that did not end well", async () => {
    const work = { name: "the work", file: process.execPath, args: ["-e", "throw Error('why')"] };
    await expect(measured(work)).rejects.toThrow(/^the work ended with 1:\n.*why/s);
  });

  it("takes an exit code for good that the work may have", async () => {
    const work = { name: "w", file: process.execPath, args: ["-e", "process.exit(3)"] };
    expect(await measured({ ...work, codes: [0, 3] })).toMatchObject({ code: 3 });
  });
});
