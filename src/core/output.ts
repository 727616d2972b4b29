import Table from "cli-table3";
import { stringify } from "yaml";
import { type MigrationError, toErrorRecord } from "./errors.ts";
import { redactText } from "./secrets.ts";

interface Sink {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export const outputFormats = ["table", "json", "yaml"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** The only place that prints: results to stdout, everything else to stderr, all of it redacted. */
export interface Output {
  readonly columns: number;
  readonly isTerminal: boolean;
  line(text: string): void;
  note(text: string): void;
  data(value: unknown, format: Exclude<OutputFormat, "table">): void;
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
  error(error: MigrationError, options: { json: boolean }): void;
}

export function makeOutput(stdout: Sink, stderr: Sink): Output {
  const line = (text: string) => void stdout.write(`${redactText(text)}\n`);
  return {
    columns: stdout.columns ?? 100,
    isTerminal: stderr.isTTY === true,
    line,
    note: (text) => void stderr.write(`${redactText(text)}\n`),
    data: (value, format) =>
      line(format === "json" ? JSON.stringify(value, jsonValue, 2) : stringify(value).trimEnd()),
    table: (head, rows) => line(renderTable(head, rows)),
    error(error, { json }) {
      if (json) line(JSON.stringify({ error: toErrorRecord(error) }));
      stderr.write(`${redactText(renderError(error))}\n`);
    },
  };
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** Columns without borders, as kubectl prints them, so that rows stay greppable. */
function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const nothing = "";
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], "padding-left": 0, "padding-right": 3 },
    chars: Object.fromEntries(borders.map((name) => [name, nothing])),
  });
  for (const row of rows) table.push(row.map(printable));
  return table
    .toString()
    .split("\n")
    .map((text) => text.trimEnd())
    .join("\n");
}

const borders = [
  ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
  ...["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
];

/** Names come from other people's data: control characters would otherwise reach the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function renderError(error: MigrationError): string {
  const lines = [`Error: ${printable(error.message)} (${error.code})`];
  const { problems } = error.fields;
  if (Array.isArray(problems)) lines.push(...problems.map((text) => `  ${printable(String(text))}`));
  if (error.hint) lines.push(`  ${printable(error.hint)}`);
  if (error.kind === "bug") lines.push(stackOf(error.cause ?? error));
  return lines.join("\n");
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
