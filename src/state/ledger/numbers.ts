import type { DatabaseSync } from "node:sqlite";
import type { Unsorted } from "./unsorted.ts";

/** Short numbers for names that stand in many rows. */
export interface Numbers {
  /** The number of a name, if it has one. */
  find(name: string): number | undefined;
  /** The number of a name, a new one where needed; not to be called inside of a transaction that
   * may be taken back. */
  numberOf(name: string): number;
  nameOf(number: number): string;
  names(): string[];
}

export function openNumbers(
  database: DatabaseSync,
  table: "collections" | "runs" | "scopes",
): Numbers {
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  for (const { number, name } of database.prepare(`SELECT number, name FROM ${table}`).iterate()) {
    numbers.set(String(name), Number(number));
    names.set(Number(number), String(name));
  }
  const insert = database.prepare(`INSERT INTO ${table} (name) VALUES (?)`);
  return {
    find: (name) => numbers.get(name),
    nameOf: (number) => names.get(number) ?? "",
    names: () => [...numbers.keys()],
    numberOf(name) {
      const known = numbers.get(name);
      if (known !== undefined) return known;
      const number = Number(insert.run(name).lastInsertRowid);
      numbers.set(name, number);
      names.set(number, name);
      return number;
    },
  };
}

/** The ledger's database, and what its short numbers stand for. */
export interface Names {
  database: DatabaseSync;
  path: string;
  collections: Numbers;
  runs: Numbers;
  scopes: Numbers;
  unsorted: Unsorted;
}
