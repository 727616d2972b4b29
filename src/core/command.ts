import yargs, { type Argv } from "yargs";
import { asMigrationError, type ExitCode, exitCodes, MigrationError } from "./errors.ts";
import { checkFlags, requireFlags, suggestion, withEnvironment } from "./flags.ts";
import type { Flags, Option, Options } from "./option.ts";
import type { Output } from "./output.ts";

/** A command as the list of all of them shows it. */
export interface Command<C> {
  /** Noun then verb: "db backup". */
  name: string;
  describe: string;
  /** Runs also when no command is named. */
  isDefault?: true;
  /** Loaded once it is named, as each command needs much that the others do not. */
  load(): Promise<CommandBody<C>>;
}

/** What a command takes and does: data, and one function. */
export interface CommandBody<C> {
  args: Options;
  /** Command line and what it does. */
  examples: readonly (readonly [string, string])[];
  run(flags: Record<string, unknown>, context: C): Promise<ExitCode>;
}

interface TypedCommand<A extends Options, C> extends Omit<CommandBody<C>, "args" | "run"> {
  args: A;
  run(flags: Flags<A>, context: C): Promise<ExitCode>;
}

/** Gives a command's `run` the types of its own flags. */
export function defineCommand<const A extends Options, C>(
  command: TypedCommand<A, C>,
): CommandBody<C> {
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
  /** What the commands of two words with the same first one are about. */
  groups?: Readonly<Record<string, string>>;
  /** Commands that may also be named by a flag: `--status` is the command "status". */
  commandFlags?: Readonly<Record<string, string>>;
  env: Readonly<Record<string, string | undefined>>;
  out: Output;
}

/** Parses, runs one command and returns the exit code; every error ends up here, printed once. */
export async function runProgram<C>(program: Program<C>, argv: readonly string[]): Promise<number> {
  try {
    refuseSecrets(argv);
    return await parseAndRun(program, argv);
  } catch (thrown) {
    const error = asMigrationError(thrown);
    program.out.error(error, { json: wantsJson(argv) });
    return error.exitCode;
  }
}

async function parseAndRun<C>(program: Program<C>, argv: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done;
  const words = namedCommand(program, argv);
  const commands = await loadNamed(program, words);
  const parser = makeParser({ ...program, commands }, (code) => {
    exitCode = code;
  });
  // With a callback, yargs hands over its help, version and completions instead of printing them.
  await parser.parseAsync(words, {}, (_error, _parsed, text) => {
    if (text !== "") program.out.text(text);
  });
  return exitCode;
}

/** A command with what it takes, where the command line may be its. */
interface Loaded<C> extends Command<C> {
  body?: CommandBody<C>;
}

/** yargs shows the help of what it is told of at once, so all that may be named is loaded before. */
function loadNamed<C>({ commands }: Program<C>, argv: readonly string[]): Promise<Loaded<C>[]> {
  return Promise.all(
    commands.map(async (command) => {
      const isNamed = command.name.split(" ").every((word) => argv.includes(word));
      return command.isDefault || isNamed ? { ...command, body: await command.load() } : command;
    }),
  );
}

/** `migctl --status …` is `migctl status …`, for the commands that the program says so of. */
function namedCommand<C>({ commandFlags = {} }: Program<C>, argv: readonly string[]): string[] {
  const [flag, name] =
    Object.entries(commandFlags).find(([one]) => argv.includes(`--${one}`)) ?? [];
  if (name === undefined || !argv[0]?.startsWith("-")) return [...argv];
  return [name, ...argv.filter((argument) => argument !== `--${flag}`)];
}

function makeParser<C>(program: Program<C>, done: (code: ExitCode) => void): Argv {
  const parser = yargs()
    .scriptName(program.name)
    .usage(`$0: ${program.describe}\n\nUsage: $0 <command> [flags]`)
    .version(program.version)
    .locale("en")
    .help()
    .alias("help", "h")
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-positional-numbers": false,
      "populate--": true,
      "strip-aliased": true,
    })
    .exitProcess(false)
    .wrap(Math.min(110, program.out.columns))
    .epilogue(`Exit codes: ${exitCodeLine}\nMore: ${program.name} <command> --help`)
    .fail((message, error) => {
      throw error === undefined || error.name === "YError"
        ? usageError(program.name, message ?? error?.message ?? "Cannot read the command line")
        : error;
    });
  addOptions(parser, program.globals);
  addCommands(parser, { program, done, path: [] }, topLevel(program.commands));
  parser.command("completion", "Print the completion script for bash or zsh", {}, () => {
    parser.showCompletionScript();
  });
  return parser;
}

const exitCodeLine =
  "0 done and verified, 1 unexpected, 2 usage, 3 finished with conflicts, rejects or skips, " +
  "4 authentication or rights, 5 resource worth a retry, 6 refused for safety, 7 locked, " +
  "8 integrity, 10 changes found, 124 timeout, 130/143 interrupted";

interface Group<C> {
  noun: string;
  commands: Loaded<C>[];
}

/** "db backup" and "db restore" become one group, so that `db --help` lists both. */
function topLevel<C>(commands: readonly Loaded<C>[]): (Loaded<C> | Group<C>)[] {
  const groups = new Map<string, Group<C>>();
  const result: (Loaded<C> | Group<C>)[] = [];
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

interface Place<C> {
  program: Program<C>;
  done: (code: ExitCode) => void;
  /** The words that lead here: "db". */
  path: readonly string[];
}

function addCommands<C>(parser: Argv, place: Place<C>, entries: readonly (Loaded<C> | Group<C>)[]) {
  for (const entry of entries) {
    if ("noun" in entry) addGroup(parser, place, entry);
    else addCommand(parser, place, entry);
  }
  if (entries.some((entry) => "isDefault" in entry)) return;
  const names = entries.map(nameOf);
  parser.command("$0", false, {}, ({ _: words }) => {
    refuseWords(words.slice(place.path.length), names, true);
    throw usageError(
      [place.program.name, ...place.path].join(" "),
      `Name one of: ${names.join(", ")}`,
    );
  });
}

function nameOf<C>(entry: Command<C> | Group<C>): string {
  return "noun" in entry ? entry.noun : entry.name;
}

function addGroup<C>(parser: Argv, place: Place<C>, { noun, commands }: Group<C>) {
  const verbs = commands.map((command) => command.name).join(", ");
  const about = place.program.groups?.[noun];
  parser.command(noun, about === undefined ? verbs : `${about}: ${verbs}`, (inner) => {
    addCommands(inner, { ...place, path: [...place.path, noun] }, commands);
    return inner;
  });
}

function addCommand<C>(parser: Argv, { program, done, path }: Place<C>, command: Loaded<C>) {
  const words = [...path, command.name];
  const { body = unnamed } = command;
  const known = { ...program.globals, ...body.args };
  function check(parsed: { _: (string | number)[]; "--"?: string[] }) {
    const given = [...parsed._, ...(parsed["--"] ?? [])];
    const isNamed = words.every((word, index) => given[index] === word);
    const names = isNamed ? [] : topLevel(program.commands).map(nameOf);
    refuseWords(isNamed ? given.slice(words.length) : given, names, !isNamed);
    checkFlags(known, parsed);
  }
  parser.command(
    command.isDefault ? [command.name, "$0"] : usageOf(command.name, body.args),
    command.describe,
    // Before yargs validates, so that the messages are ours, and the same for the environment.
    (inner) => describeCommand(inner, body).middleware(check, true),
    async (parsed) => {
      const { args, run } = body;
      const flags = withEnvironment(args, parsed, program.env);
      requireFlags(args, flags, [program.name, ...words].join(" "));
      const globals = withEnvironment(program.globals, parsed, program.env);
      done(await run(flags, await program.makeContext(globals)));
    },
  );
}

/** What is missing of the words is told with the flags that are. */
function usageOf(name: string, args: Options): string {
  const words = Object.keys(args).filter((one) => args[one]?.isWord);
  return [name, ...words.map((word) => `[${word}]`)].join(" ");
}

/** Of a command that the command line does not name, yargs needs no more than name and purpose. */
const unnamed: CommandBody<unknown> = {
  args: {},
  examples: [],
  run: () => Promise.reject(new Error("This command was not loaded")),
};

function refuseWords(
  words: readonly (string | number)[],
  names: readonly string[],
  isCommand: boolean,
) {
  const word = words[0];
  if (word === undefined) return;
  throw new MigrationError(
    "E_USAGE",
    isCommand ? `There is no command "${word}"` : `Cannot take the argument "${word}"`,
    { hint: suggestion(String(word), names) ?? "See --help for the commands and their flags" },
  );
}

function describeCommand<C>(parser: Argv, { args, examples }: CommandBody<C>): Argv {
  addOptions(parser, args);
  for (const [line, meaning] of examples) parser.example(line, meaning);
  return parser;
}

function addOptions(parser: Argv, options: Options) {
  for (const [name, option] of Object.entries(options)) {
    const { describe } = option;
    if (option.isWord) {
      parser.positional(name, { describe, type: "string" });
      continue;
    }
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

function usageError(command: string, message: string): MigrationError {
  return new MigrationError("E_USAGE", message.trim().split("\n").join("; "), {
    hint: `See "${command} --help"`,
  });
}

const secretFlag = /^--(?<name>[a-z-]*(?:password|uri|token))(?:=|$)/i;
const uriWithLogIn = /[a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*:[^\s@]*@/i;

/** A password on a command line is in every process list: it is refused before anything else. */
function refuseSecrets(argv: readonly string[]) {
  for (const argument of argv) {
    const { name } = secretFlag.exec(argument)?.groups ?? {};
    if (name === undefined && !uriWithLogIn.test(argument)) continue;
    const what = name === undefined ? "a URI with a password" : `--${name}`;
    throw new MigrationError("E_USAGE", `Cannot take a secret from the command line: ${what}`, {
      hint: "Write the MongoDB URI into a file (mode 0600) and name it with --…-uri-file",
    });
  }
}

function wantsJson(argv: readonly string[]): boolean {
  return argv.some((argument, index) => {
    if (/^(?:-o|--output)=json$/.test(argument)) return true;
    return (argument === "-o" || argument === "--output") && argv[index + 1] === "json";
  });
}
