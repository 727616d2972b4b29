import { verdicts } from "../core/verdict.ts";
import type { ManagerContext } from "./context.ts";

type Row = Map<string, string>;

interface List {
  name: string;
  rows: Row[];
}

/**
 * Prints what a worker returned: its own numbers, then one table for each list of things, such as
 * its collections; or all of it as JSON or YAML.
 */
export function printResult(result: object, { out, format }: ManagerContext) {
  if (format !== "table") return out.data(result, format);
  const facts: [string, string][] = [];
  const lists: List[] = [];
  for (const [name, value] of Object.entries(result)) {
    const rows = rowsOf(value);
    if (rows !== undefined) lists.push({ name, rows });
    else facts.push(...cellsOf(name, value).filter(([key, text]) => isWorthALine(key, text)));
  }
  if (facts.length > 0) out.table(["RESULT", "VALUE"], facts);
  for (const [at, { name, rows }] of lists.filter((list) => list.rows.length > 0).entries()) {
    if (at > 0 || facts.length > 0) out.line("");
    printList(name, rows, out);
  }
}

/** The rows of a list of objects, or of objects by their names; undefined for anything else. */
function rowsOf(value: unknown): Row[] | undefined {
  if (!isObject(value)) return undefined;
  const members = Object.entries(value);
  if (!members.every(([, member]) => isObject(member) && !Array.isArray(member))) return undefined;
  if (Array.isArray(value)) return value.map(rowOf);
  return members.map(([name, member]) => rowOf({ name, ...(isObject(member) ? member : {}) }));
}

function rowOf(value: object): Row {
  return new Map(
    Object.entries(value).flatMap(([name, inner]) =>
      cellsOf(name, inner).map(([path, text]) => [path.split(".").at(-1) ?? path, text] as const),
    ),
  );
}

/** A value as named texts: one for a number or a text, one for each part of an object. */
function cellsOf(name: string, value: unknown): [string, string][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return [[name, value.map(textOf).join(", ")]];
  if (!isObject(value)) return [[name, String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => cellsOf(`${name}.${key}`, inner));
}

function textOf(value: unknown): string {
  return isObject(value) ? JSON.stringify(value) : String(value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isWorthALine(path: string, text: string): boolean {
  if (text === "") return false;
  const name = path.split(".").at(-1);
  return text !== "0" || !verdicts.some((verdict) => verdict === name);
}

const namesOfRows = ["name", "collection", "path"];

/** Columns that say nothing in any row are left out. */
function printList(list: string, rows: readonly Row[], out: ManagerContext["out"]) {
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))].filter(
    (column) => namesOfRows.includes(column) || rows.some((row) => !isNothing(row.get(column))),
  );
  out.table(
    columns.map((column, at) => (at === 0 ? list : column).toUpperCase()),
    rows.map((row) => columns.map((column) => row.get(column) ?? "")),
  );
}

function isNothing(text: string | undefined): boolean {
  return text === undefined || text === "" || text === "0" || text === "false";
}
