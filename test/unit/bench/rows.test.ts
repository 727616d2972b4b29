import { describe, expect, it } from "vitest";
import { compare } from "../../../bench/common/compare.ts";
import type { Cost } from "../../../bench/common/measure.ts";
import { limitRow, median, rowsOf } from "../../../bench/common/rows.ts";

const mebibyte = 2 ** 20;

function cost(wallMs: number, more: Partial<Cost> = {}): Cost {
  return { wallMs, cpuMs: wallMs / 2, peakRssBytes: 100 * mebibyte, ...more };
}

describe("median", () => {
  it("is the middle one, whatever their order", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it("is the mean of the two in the middle of an even number", () => {
    expect(median([4, 1, 10, 2])).toBe(3);
  });

  it("of nothing is no number", () => {
    expect(median([])).toBeNaN();
  });
});

describe("rowsOf", () => {
  const pairs = [
    { ours: cost(100), theirs: cost(200) },
    { ours: cost(300), theirs: cost(300) },
    { ours: cost(80), theirs: cost(100, { peakRssBytes: 400 * mebibyte }) },
  ];

  it("takes the median of the ratios, not the ratio of the medians", () => {
    const [row] = rowsOf({ work: "w", peer: "p", goals: [{ aspect: "wall", most: 0.8 }] }, pairs);
    expect(row).toMatchObject({ ratio: { median: 0.8, min: 0.5, max: 1 }, rounds: 3, met: true });
    expect(row?.ours.wallMs).toBe(100);
    expect(row?.theirs.wallMs).toBe(200);
  });

  it("makes a row of each goal", () => {
    const goals = [
      { aspect: "wall", most: 0.7 },
      { aspect: "rss", most: 1 },
    ] as const;
    const rows = rowsOf({ work: "w", peer: "p", goals }, pairs);
    expect(rows.map(({ aspect, met }) => [aspect, met])).toEqual([
      ["wall", false],
      ["rss", true],
    ]);
    expect(rows[1]?.ratio).toEqual({ median: 1, min: 0.25, max: 1 });
  });

  it("does not reach a goal for a size that nobody measured", () => {
    const [row] = rowsOf({ work: "w", peer: "p", goals: [{ aspect: "size", most: 2 }] }, pairs);
    expect(row?.met).toBe(false);
  });
});

describe("limitRow", () => {
  it("is missed where a single run goes beyond it", () => {
    const costs = [100, 120, 300].map((size) => cost(1, { peakRssBytes: size * mebibyte }));
    expect(limitRow("memory", costs, 256 * mebibyte)).toMatchObject({ peer: "limit", met: false });
    expect(limitRow("memory", costs.slice(0, 2), 256 * mebibyte).met).toBe(true);
  });

  it("is missed where nothing ran", () => {
    expect(limitRow("memory", [], mebibyte).met).toBe(false);
  });
});

describe("compare", () => {
  it("runs both in turn, the other one first in every second round, and checks each", async () => {
    const order: string[] = [];
    const contender = (name: string, wallMs: number) => ({
      name,
      prepare: async () => void order.push(`prepare ${name}`),
      async run() {
        order.push(name);
        return cost(wallMs);
      },
    });
    const [row] = await compare({
      ...{ name: "w", rounds: 2, goals: [{ aspect: "wall", most: 1 }] },
      ...{ ours: contender("us", 1), peer: contender("them", 2) },
      check: async (side) => void order.push(`check ${side}`),
    });
    expect(order).toEqual([
      ...["prepare us", "us", "check ours", "prepare them", "them", "check theirs"],
      ...["prepare them", "them", "check theirs", "prepare us", "us", "check ours"],
    ]);
    expect(row).toMatchObject({ work: "w", peer: "them", ratio: { median: 0.5 }, rounds: 2 });
  });

  it("fails where the result of one of them is not what it must be", async () => {
    const contender = { name: "x", run: async () => cost(1) };
    const comparison = compare({
      ...{ name: "w", rounds: 1, goals: [], ours: contender, peer: contender },
      async check(side) {
        if (side === "theirs") throw new Error("The documents differ");
      },
    });
    await expect(comparison).rejects.toThrow("differ");
  });
});
