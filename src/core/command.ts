import yargs, { type Argv } from "yargs";
import { asMigrationError, type ExitCode, exitCodes, MigrationError } from "./errors.ts";
import type { Flags, Option, Options } from "./option.ts";
import type { Output } from "./output.ts";
import { redactText } from "./secrets.ts";

/** What a command is: data, and one function. */
export interface Command<C> {
  /** Noun then verb: "db backup". */
  name: string;
  describe: string;
  args: Options;
  /** Command line and what it does. */
  examples: readonly (readonly [string, string])[];
  /** Runs also when no command is named. */
  isDefault?: true;
  run(flags: Record<string, unknown>, context: C): Promise<ExitCode>;
}

interface TypedCommand<A extends Options, C> extends Omit<Command<C>, "args" | "run"> {
  args: A;
  run(flags: Flags<A>, context: C): Promise<ExitCode>;
}

/** Gives a command's `run` the types of its own flags. */
export function defineCommand<const A extends Options, C>(command: TypedCommand<A, C>): Command<C> {
  return {
    ...command,
    // The registrar parses with exactly `command.args`, so the flags have its types.
    run: (flags, context) => command.run(flags as Flags<A>, context),
  };
}

export interface Program<C> {
  name: string;
  describe: string;
  version: string;
  commands: readonly Command<C>[];
  /** Flags of every command. */
  globals: Options;
  makeContext(globals: Record<string, unknown>): Promise<C>;
  env: Readonly<Record<string, string | undefined>>;
  out: Output;
}

/** Parses, runs one command and returns the exit code; every error ends up here, printed once. */
export async function runProgram<C>(program: Program<C>, argv: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done;
  try {
    const parser = makeParser(program, (code) => {
      exitCode = code;
    });
    refuseSecrets(argv);
    await parser.parseAsync([...argv]);
  } catch (thrown) {
    const error = asMigrationError(thrown);
    program.out.error(error, { json: wantsJson(argv) });
    exitCode = error.exitCode;
  }
  return exitCode;
}

function makeParser<C>(program: Program<C>, done: (code: ExitCode) => void): Argv {
  const parser = yargs()
    .scriptName(program.name)
    .usage(`$0: ${program.describe}\n\nUsage: $0 <command> [flags]`)
    .version(program.version)
    .locale("en")
    .help()
    .alias("help", "h")
    .strict()
    .recommendCommands()
    .completion("completion", "Print the completion script for bash or zsh")
    .parserConfiguration({ "camel-case-expansion": false, "duplicate-arguments-array": false })
    .exitProcess(false)
    .wrap(Math.min(110, program.out.columns))
    .demandCommand(1, "Name a command")
    .epilogue(`Exit codes: ${exitCodeLine}\nMore: ${program.name} <command> --help`)
    .fail((message, error) => {
      throw error ?? usageError(program.name, message);
    });
  addOptions(parser, program.globals);
  for (const command of topLevel(program.commands)) addCommand(parser, program, command, done);
  return parser;
}

const exitCodeLine =
  "0 done and verified, 1 unexpected, 2 usage, 3 finished with conflicts, rejects or skips, " +
  "4 authentication or rights, 5 resource worth a retry, 6 refused for safety, 7 locked, " +
  "8 integrity, 10 changes found, 124 timeout, 130/143 interrupted";

interface Group<C> {
  noun: string;
  commands: Command<C>[];
}

/** "db backup" and "db restore" become one group, so that `db --help` lists both. */
function topLevel<C>(commands: readonly Command<C>[]): (Command<C> | Group<C>)[] {
  const groups = new Map<string, Group<C>>();
  const result: (Command<C> | Group<C>)[] = [];
  for (const command of commands) {
    const [noun = "", verb] = command.name.split(" ");
    if (verb === undefined) {
      result.push(command);
      continue;
    }
    const group = groups.get(noun) ?? { noun, commands: [] };
    if (!groups.has(noun)) result.push(group);
    groups.set(noun, group);
    group.commands.push({ ...command, name: verb });
  }
  return result;
}

function addCommand<C>(
  parser: Argv,
  program: Program<C>,
  entry: Command<C> | Group<C>,
  done: (code: ExitCode) => void,
) {
  if ("noun" in entry) {
    const verbs = entry.commands.map((command) => command.name).join(", ");
    parser.command(entry.noun, `Work on ${entry.noun} alone: ${verbs}`, (inner) => {
      for (const command of entry.commands) addCommand(inner, program, command, done);
      return inner.demandCommand(1, `Name one of: ${verbs}`);
    });
    return;
  }
  const names = entry.isDefault ? [entry.name, "$0"] : entry.name;
  parser.command(
    names,
    entry.describe,
    (inner) => describeCommand(inner, entry),
    async (parsed) => {
      const flags = withEnvironment(entry.args, parsed, program.env);
      requireOptions(entry.args, flags, `${program.name} ${entry.name}`);
      const globals = withEnvironment(program.globals, parsed, program.env);
      done(await entry.run(flags, await program.makeContext(globals)));
    },
  );
}

function describeCommand<C>(parser: Argv, command: Command<C>): Argv {
  addOptions(parser, command.args);
  for (const [line, meaning] of command.examples) parser.example(line, meaning);
  return parser;
}

function addOptions(parser: Argv, options: Options) {
  for (const [name, option] of Object.entries(options)) {
    parser.option(name, {
      describe: describeOption(option),
      type: option.type,
      requiresArg: option.type !== "boolean",
      ...(option.array ? { array: true, nargs: 1 } : {}),
      ...(option.choices ? { choices: option.choices } : {}),
      ...(option.alias ? { alias: option.alias } : {}),
      ...(option.group ? { group: `${option.group}:` } : {}),
    });
  }
}

function describeOption(option: Option): string {
  const notes = [];
  if (option.default !== undefined) notes.push(`default ${option.default}`);
  if (option.env) notes.push(`env ${option.env}`);
  return notes.length > 0 ? `${option.describe} (${notes.join("; ")})` : option.describe;
}

function withEnvironment(
  options: Options,
  parsed: Record<string, unknown>,
  env: Program<unknown>["env"],
): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const value = parsed[name] ?? (option.env ? fromText(option, env[option.env]) : undefined);
    if (value !== undefined) flags[name] = once(name, option, value);
  }
  return flags;
}

function once(name: string, option: Option, value: unknown): unknown {
  if (option.array || !Array.isArray(value)) return value;
  throw new MigrationError("E_USAGE", `Flag --${name} is given ${value.length} times`, {
    hint: "Give it once",
  });
}

function fromText(option: Option, text: string | undefined): unknown {
  if (text === undefined || text === "") return undefined;
  if (option.type === "boolean") return text === "1" || text === "true";
  const value = option.type === "number" ? Number(text) : text;
  return option.array ? [value] : value;
}

function requireOptions(options: Options, flags: Record<string, unknown>, command: string) {
  const missing = Object.entries(options)
    .filter(([name, option]) => option.required && flags[name] === undefined)
    .map(([name, option]) => `--${name}${option.value ? ` ${option.value}` : ""}`);
  if (missing.length > 0) throw usageError(command, `Missing: ${missing.join(", ")}`);
}

function usageError(command: string, message: string): MigrationError {
  return new MigrationError("E_USAGE", message.trim().split("\n").join("; "), {
    hint: `See "${command} --help"`,
  });
}

/** A password on a command line is in every process list: it is refused before anything else. */
function refuseSecrets(argv: readonly string[]) {
  for (const argument of argv) {
    const name = /^--([a-z-]*(?:password|uri|token))(?:=|$)/i.exec(argument)?.[1];
    if (name !== undefined || /^[a-z+]+:\/\/[^/@]*:[^/@]*@/i.test(argument)) {
      throw new MigrationError(
        "E_USAGE",
        `Cannot take a secret from the command line: ${name ? `--${name}` : redactText(argument)}`,
        { hint: "Write the MongoDB URI into a file (mode 0600) and name it with --…-uri-file" },
      );
    }
  }
}

function wantsJson(argv: readonly string[]): boolean {
  const text = argv.join(" ");
  return /(^| )(-o|--output)[ =]?json( |$)/.test(text);
}
