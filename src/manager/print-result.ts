import { verdicts } from "../core/verdict.ts";
import type { ManagerContext } from "./context.ts";

/** Prints what a worker returned: a table of names and counts, or the whole as JSON or YAML. */
export function printResult(result: object, { out, format }: ManagerContext) {
  if (format !== "table") return out.data(result, format);
  const rows = Object.entries(result).flatMap(([name, value]) => rowsOf(name, value));
  out.table(["RESULT", "VALUE"], rows);
}

function rowsOf(name: string, value: unknown): string[][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((one) => rowsOf(`${name} ${labelOf(one)}`.trim(), one));
  if (typeof value !== "object") return [[name, String(value)]];
  return Object.entries(value)
    .filter(([key]) => key !== "name" && key !== "collection")
    .filter(([key, inner]) => inner !== 0 || !isVerdict(key))
    .flatMap(([key, inner]) => rowsOf(`${name}.${key}`, inner));
}

function isVerdict(key: string): boolean {
  return verdicts.some((verdict) => verdict === key);
}

function labelOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  if ("name" in value) return String(value.name);
  return "collection" in value ? String(value.collection) : "";
}
