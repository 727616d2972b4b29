import Table from "cli-table3";
import { stringify } from "yaml";
import { type MigrationError, toErrorRecord } from "./errors.ts";
import { redactText, redactValue } from "./secrets.ts";

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
  /** One line; a line feed in it comes out of a name, and is shown as such. */
  line(text: string): void;
  /** Several lines that the program itself made: its help. */
  text(lines: string): void;
  /** YAML for other programs, as it is: it was rendered with its odd characters escaped. */
  document(text: string): void;
  note(text: string): void;
  data(value: unknown, format: Exclude<OutputFormat, "table">): void;
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
  error(error: MigrationError, options: { json: boolean }): void;
}

export function makeOutput(stdout: Sink, stderr: Sink): Output {
  const text = (lines: string) => void stdout.write(`${lines.split("\n").map(clean).join("\n")}\n`);
  return {
    columns: stdout.columns ?? 100,
    isTerminal: stderr.isTTY === true,
    document: (yaml) => void stdout.write(yaml),
    line: (line) => void stdout.write(`${clean(line)}\n`),
    text,
    note: (line) => void stderr.write(`${clean(line)}\n`),
    data: (value, format) =>
      void stdout.write(`${format === "json" ? toJson(value, 2) : toYaml(value)}\n`),
    table: (head, rows) => text(renderTable(head, rows)),
    error(error, { json }) {
      if (json) stdout.write(`${toJson({ error: toErrorRecord(error) })}\n`);
      stderr.write(`${renderError(error).map(clean).join("\n")}\n`);
    },
  };
}

function clean(line: string): string {
  return printable(redactText(line));
}

function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(redactValue(value), jsonValue, indent) ?? "null";
  return printableLines(text);
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

function toYaml(value: unknown): string {
  const redacted = redactValue(value);
  const text = stringify(redacted, { aliasDuplicateObjects: false }).trimEnd();
  if (printableLines(text) === text) return text;
  // Only a quoted text can hold an escape.
  const quoted = { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "QUOTE_DOUBLE" } as const;
  return printableLines(
    stringify(redacted, { aliasDuplicateObjects: false, lineWidth: 0, ...quoted }).trimEnd(),
  );
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
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

function renderError(error: MigrationError): string[] {
  const lines = [`Error: ${error.message} (${error.code})`];
  const { problems } = error.fields;
  if (Array.isArray(problems)) lines.push(...problems.map((text) => `  ${text}`));
  if (error.hint) lines.push(`  ${error.hint}`);
  if (error.kind === "bug") lines.push(...stackOf(error.cause ?? error).split("\n"));
  return lines;
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
