import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { cliCommands } from "../src/cli/commands.ts";
import { Application } from "../src/config/application.ts";
import { NetworkConfig } from "../src/config/network.ts";
import { options } from "../src/config/options.ts";
import { errorCodes, exitCodes } from "../src/core/errors.ts";
import type { Option } from "../src/core/option.ts";
import { managerCommands } from "../src/manager/commands.ts";

/** What is told of a command; its `run` is of no interest here. */
interface Described {
  name: string;
  describe: string;
  isDefault?: true;
  load(): Promise<Body>;
}

interface Body {
  args: Readonly<Record<string, Option>>;
  examples: readonly (readonly [string, string])[];
}

const folder = join(import.meta.dirname, "../docs/reference");
const kindText = {
  user: "can be put right by who reads it",
  transient: "may pass, is tried again",
  bug: "a fault of the program",
};

const schema = z.toJSONSchema(Application, { io: "input" });
const networkSchema = z.toJSONSchema(NetworkConfig, { io: "input" });

mkdirSync(folder, { recursive: true });
write("cli.md", await commandPage());
write("config.md", configPage());
write("errors.md", errorPage());
write("application.schema.json", JSON.stringify(schema, undefined, 2));
write("network.schema.json", JSON.stringify(networkSchema, undefined, 2));

function write(name: string, content: string) {
  writeFileSync(join(folder, name), `${content.trimEnd()}\n`);
}

async function commandPage(): Promise<string> {
  return [
    "# Commands",
    "",
    ...(await programLines("migctl", cliCommands, ["output", "progress"])),
    ...(await programLines("migmgr", managerCommands, ["output", "log-level", "log-format"])),
  ].join("\n");
}

async function programLines(
  program: string,
  commands: readonly Described[],
  globals: readonly (keyof typeof options)[],
): Promise<string[]> {
  const common = Object.fromEntries(globals.map((name) => [name, options[name]]));
  const pages = commands.map(async (command) =>
    commandLines(program, { ...command, ...(await command.load()) }),
  );
  return [
    `## ${program}`,
    "",
    "Every command takes `--help`, and these:",
    "",
    ...flagTable(common),
    "",
    ...(await Promise.all(pages)).flat(),
  ];
}

function commandLines(program: string, command: Described & Body): string[] {
  const isDefault = command.isDefault ? [`\`${program}\` without a command is this one.`, ""] : [];
  const examples = command.examples.flatMap(([line, meaning]) => [`# ${meaning}`, line]);
  return [
    `### ${program} ${command.name}`,
    "",
    `${command.describe}.`,
    "",
    ...isDefault,
    ...flagTable(command.args),
    "",
    "```sh",
    ...examples,
    "```",
    "",
  ];
}

function flagTable(flags: Readonly<Record<string, Option>>): string[] {
  const rows = Object.entries(flags).map(([name, option]) => [
    flagText(name, option),
    `${option.describe}${option.required ? " (must be given)" : ""}`,
    valuesText(option),
    defaultText(option),
    option.env === undefined ? "" : code(option.env),
  ]);
  return table(["flag", "what it does", "values", "default", "environment"], rows);
}

function flagText(name: string, { alias, value, type, isWord }: Option): string {
  if (isWord) return code(value ?? name);
  const names = alias === undefined ? `--${name}` : `-${alias}, --${name}`;
  const placeholder = value ?? (type === "number" ? "N" : undefined);
  return code(placeholder === undefined ? names : `${names} ${placeholder}`);
}

function valuesText({ choices, type, array }: Option): string {
  const text = choices === undefined ? type : choices.map(code).join(", ");
  return array ? `${text}, repeatable` : text;
}

function defaultText(option: Option): string {
  return option.default === undefined ? "" : code(String(option.default));
}

function configPage(): string {
  return [
    "# Configuration",
    "",
    "A flag goes before its environment variable, and that before the default.",
    "",
    "## Flags of both programs",
    "",
    ...flagTable(options),
    "",
    "## An application description",
    "",
    "A YAML file; `applications/mvi.yaml` is one. For editors its schema is in",
    "[application.schema.json](application.schema.json):",
    "`# yaml-language-server: $schema=application.schema.json`.",
    "",
    ...table(["key", "type", "what it means"], schemaRows("", schema)),
    "",
    "## A network config",
    "",
    "A JSON file, with comments and trailing commas where wanted, or a YAML file; `migctl init`",
    "makes one. Paths in it begin at its own folder. A password, a token or a URI never stands in",
    'it: `{ "file": … }`, `{ "env": … }` or `{ "secret": { "name": …, "key": … } }` says where it',
    "is. `--set PATH=VALUE` goes before the file: `--set source.claim=data-pvc`. For editors its",
    'schema is in [network.schema.json](network.schema.json): `"$schema": "network.schema.json"`.',
    "",
    ...table(["key", "type", "what it means"], schemaRows("", networkSchema)),
  ].join("\n");
}

type Schema = z.core.JSONSchema.BaseSchema;

/** A row for each key, the inner ones after the one that holds them. */
function schemaRows(path: string, node: Schema): string[][] {
  const rows: string[][] = [];
  for (const [name, inner] of Object.entries(node.properties ?? {})) {
    if (typeof inner === "boolean") continue;
    const key = path === "" ? name : `${path}.${name}`;
    const isNeeded = node.required?.includes(name) === true;
    rows.push([
      code(key),
      typeText(inner),
      `${inner.description ?? ""}${isNeeded ? " (needed)" : ""}`,
    ]);
    rows.push(...schemaRows(key, inner));
  }
  for (const variant of node.anyOf ?? []) {
    if (typeof variant !== "boolean") rows.push(...schemaRows(path, variant));
  }
  for (const [suffix, inner] of valuesOf(node)) rows.push(...schemaRows(path + suffix, inner));
  return unique(rows);
}

/** What a list or map holds, and how its key is written. */
function valuesOf({ items, additionalProperties }: Schema): [string, Schema][] {
  const found: [string, Schema][] = [];
  if (typeof items === "object" && !Array.isArray(items)) found.push(["[]", items]);
  if (typeof additionalProperties === "object") found.push([".<name>", additionalProperties]);
  return found;
}

function unique(rows: readonly string[][]): string[][] {
  return [...new Map(rows.map((row) => [row.join("\0"), row])).values()];
}

function typeText(node: Schema): string {
  if (node.anyOf) {
    const types = node.anyOf.map((one) => (typeof one === "boolean" ? "any" : typeText(one)));
    return [...new Set(types)].join(" or ");
  }
  if (node.type === "array" && typeof node.items === "object" && !Array.isArray(node.items)) {
    return `list of ${typeText(node.items)}`;
  }
  if (node.type !== "object") return String(node.type);
  const values = node.additionalProperties;
  return typeof values === "object" ? `map of ${typeText(values)}` : "map";
}

function errorPage(): string {
  const exits = Object.entries(exitCodes).map(([name, exit]) => [code(String(exit)), words(name)]);
  const errors = Object.entries(errorCodes).map(([name, { exit, kind, meaning }]) => [
    code(name),
    code(String(exit)),
    kindText[kind],
    meaning,
  ]);
  return [
    "# Errors and exit codes",
    "",
    "With `-o json` an error is an object on standard output:",
    '`{"error":{"code":…,"message":…,"hint":…}}`. Codes are stable; messages are not.',
    "",
    "## Exit codes of both programs",
    "",
    ...table(["exit code", "name"], exits),
    "",
    "## Error codes",
    "",
    ...table(["code", "exit code", "kind", "meaning"], errors),
  ].join("\n");
}

function words(camelCase: string): string {
  return camelCase.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.map(cell).join(" | ")} |`);
}

/** A bar ends a cell even within code, and a `<` begins a tag without. */
function cell(text: string): string {
  const safe = text.replaceAll("|", "\\|");
  return safe
    .split("`")
    .map((part, index) => (index % 2 === 0 ? part.replaceAll("<", "&lt;") : part))
    .join("`");
}
