import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const file = /`((?:unit|integration|e2e|faults)\/[\w/-]+)`/g;
const fileWithTitles = /`((?:unit|integration|e2e|faults)\/[\w/-]+)`((?:,?\s"[^"]+")+)/g;

/** A text that is handed over first, to `it` and its like or to what `each` gave. */
const title = /(?:\b(?:it|describe)(?:\.\w+)*|\))\(\s*(["'`])(.+?)\1/g;

describe.each(["docs/reliability.md", "SECURITY.md"])("%s", (page) => {
  const text = readFileSync(page, "utf8");

  it("names only tests that there are", () => {
    const named = [...text.matchAll(fileWithTitles)].flatMap(([, path = "", titles = ""]) =>
      [...titles.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => ({
        path,
        name: name.replaceAll("\n", " "),
      })),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ path, name }) => !titlesOf(path).has(name))).toEqual([]);
  });

  it("names a test with each file of tests", () => {
    expect([...text.matchAll(fileWithTitles)].length).toBe([...text.matchAll(file)].length);
  });
});

it("says of each fault what shows it, or that nothing does", () => {
  const text = readFileSync("docs/reliability.md", "utf8");
  const rows = text.split("\n").filter((line) => /^\| [A-Z]\d+ \|/.test(line));
  const cells = rows.map((row) => row.split(" | ").map((cell) => cell.trim()));
  expect(rows.length).toBeGreaterThan(40);
  for (const [row, ...rest] of cells) {
    expect(rest, row).toHaveLength(3);
    expect(rest[2], row).toMatch(/^(?:Part: )?`|^Not shown/);
  }
});

function titlesOf(path: string): Set<string> {
  const place = `test/${path}.test.ts`;
  if (!existsSync(place)) return new Set();
  return new Set([...readFileSync(place, "utf8").matchAll(title)].map(([, , name = ""]) => name));
}
