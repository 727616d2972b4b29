import { expect, it } from "vitest";
import { type CommandBody, defineCommand, runProgram } from "../../../src/core/command.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import { captureOutput } from "../../support/sinks.ts";

/** A small program of each kind of command; what a command is given comes out as JSON. */
async function run(argv: string[], env: Record<string, string> = {}) {
  const { out, stdout, stderr } = captureOutput();
  const described = (name: string, body: CommandBody<unknown>) => {
    return { name, describe: "Tell the flags", load: async () => body };
  };
  const echo = {
    examples: [["tool …", "An example"]] as const,
    run: async (flags: unknown) => {
      out.data(flags, "json");
      return 0 as const;
    },
  };
  const text = { type: "string", describe: "Text", value: "TEXT" } as const;
  const move = defineCommand({
    ...echo,
    args: {
      user: { ...text, array: true },
      "project-group": { ...text, array: true },
      dir: { ...text, env: "TOOL_DIR" },
      mode: { ...text, choices: ["full", "files"], env: "TOOL_MODE", default: "full" },
      rate: { type: "number", describe: "Rate", env: "TOOL_RATE" },
      rerun: { type: "boolean", describe: "Again", env: "TOOL_RERUN" },
      "source-uri-file": text,
    },
  });
  const fail = defineCommand({
    ...echo,
    args: { dir: { ...text, required: true }, name: text },
  });
  const limit = defineCommand({
    ...echo,
    args: { rate: { ...text, value: "RATE", required: true, isWord: true }, name: text },
  });
  const broken = defineCommand({
    ...echo,
    args: {},
    run: async () => {
      throw new MigrationError("E_LOCKED", "It is taken", { fields: { size: 5n }, hint: "Wait" });
    },
  });
  const exitCode = await runProgram(
    {
      name: "tool",
      describe: "does things",
      version: "1.2.3",
      commands: [
        { ...described("move", move), isDefault: true },
        described("status", fail),
        described("limit", limit),
        described("db broken", broken),
      ],
      groups: { db: "Documents by hand" },
      commandFlags: { status: "status" },
      globals: { output: { ...text, alias: "o", choices: ["table", "json"] } },
      makeContext: async () => ({}),
      env,
      out,
    },
    argv,
  );
  return { exitCode, stdout: stdout(), stderr: stderr() };
}

it.each<[string, string[], unknown]>([
  ["the default command needs no name", ["--mode", "files"], { mode: "files" }],
  ["a repeated list flag keeps all values", ["--user", "a", "--user", "b"], { user: ["a", "b"] }],
  [
    "digits stay text",
    ["--user", "007", "--project-group", "1e3"],
    { user: ["007"], "project-group": ["1e3"] },
  ],
  ["a value may begin with a dash after =", ["--user=-rf"], { user: ["-rf"] }],
  ["a value may hold =, spaces and dots", ["--dir", "a=b c/../d"], { dir: "a=b c/../d" }],
  [
    "a list flag takes one value each",
    ["move", "--user", "a", "--dir", "d"],
    { user: ["a"], dir: "d" },
  ],
  ["numbers are numbers", ["--rate", "1.5"], { rate: 1.5 }],
  ["a negative number is a number", ["--rate", "-5"], { rate: -5 }],
  [
    "words of objects are text",
    ["--user", "__proto__", "--user", "constructor"],
    { user: ["__proto__", "constructor"] },
  ],
  ["a command's name as a flag is the command", ["--status", "--dir", "d"], { dir: "d" }],
])("%s", async (_, argv, flags) => {
  const { exitCode, stdout, stderr } = await run(argv);
  expect({ exitCode, stderr, flags: JSON.parse(stdout) }).toEqual({
    exitCode: 0,
    stderr: "",
    flags,
  });
});

it("reads the environment where a flag is absent, and only there", async () => {
  const env = { TOOL_DIR: "env", TOOL_RATE: "7", TOOL_RERUN: "true", TOOL_MODE: "" };
  expect(JSON.parse((await run([], env)).stdout)).toEqual({ dir: "env", rate: 7, rerun: true });
  expect(JSON.parse((await run(["--dir", "flag"], env)).stdout)).toMatchObject({ dir: "flag" });
});

it.each<[string, string[], string]>([
  ["an unknown flag", ["--bogus"], "There is no flag --bogus here"],
  ["a mistyped flag", ["--usr", "a"], 'Did you mean "--user"?'],
  [
    "a flag of another command",
    ["status", "--dir", "d", "--mode", "full"],
    "There is no flag --mode here",
  ],
  ["an unknown short flag", ["-x"], "There is no flag -x here"],
  ["a negated flag", ["--no-rerun"], "There is no flag --no-rerun here"],
  ["a dotted flag", ["--user.x", "1"], "There is no flag --user.x here"],
  ["a prototype's flag", ["--constructor", "1"], "There is no flag --constructor here"],
  ["an unknown command", ["copy"], 'There is no command "copy"'],
  ["a mistyped command", ["statsu"], 'Did you mean "status"?'],
  ["an unknown verb", ["db", "borken"], 'Did you mean "broken"?'],
  ["a noun without its verb", ["db"], "Name one of: broken"],
  ["a further argument", ["move", "extra"], 'Cannot take the argument "extra"'],
  ["an argument after --", ["move", "--", "extra"], 'Cannot take the argument "extra"'],
  ["a missing value", ["--dir"], "Not enough arguments following: dir"],
  ["a flag in the place of a value", ["--dir", "--rerun"], "Not enough arguments following: dir"],
  ["an empty value", ["--dir", ""], "Flag --dir has no value"],
  ["an empty value in a list", ["--user", "a", "--user="], "Not enough arguments following: user"],
  ["a value that is none of the choices", ["--mode", "Full"], 'Did you mean "full"?'],
  ["a flag given twice", ["--dir", "a", "--dir", "b"], "Flag --dir is given 2 times"],
  ["no number", ["--rate", "fast"], "Flag --rate must be a number"],
  ["an endless number", ["--rate", "Infinity"], "Flag --rate must be a number"],
  ["a flag that must be given", ["status"], "Missing: --dir TEXT"],
  ["a password", ["--password", "hunter2"], "secret from the command line: --password"],
  [
    "a password with =",
    ["--dest-password=hunter2"],
    "secret from the command line: --dest-password",
  ],
  ["a URI flag", ["--source-uri", "mongodb://h"], "secret from the command line: --source-uri"],
  ["a token", ["--token=hunter2"], "secret from the command line: --token"],
  ["a URI with a log-in as an argument", ["mongodb://u:hunter2@h/d"], "a URI with a password"],
  ["a URI within a value", ["--dir=mongodb://u:hunter2@h"], "a URI with a password"],
  [
    "a URI in a file flag",
    ["--source-uri-file", "mongodb+srv://u:hunter2@h"],
    "a URI with a password",
  ],
  [
    "a URI with a slash in its password",
    ["--dir", "mongodb://u:hun/ter2@h"],
    "a URI with a password",
  ],
])("refuses %s with exit code 2", async (_, argv, message) => {
  const { exitCode, stdout, stderr } = await run(argv);
  expect(exitCode).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(message);
  expect(stderr).toContain("(E_USAGE)");
  expect(stderr).not.toMatch(/hun\/?ter2|YError|\n +at /);
});

it.each([
  ["a choice", { TOOL_MODE: "half" }, 'The variable TOOL_MODE cannot be "half"'],
  ["a number", { TOOL_RATE: "fast" }, "The variable TOOL_RATE must be a number"],
])("refuses %s of the environment that cannot be", async (_, env, message) => {
  const { exitCode, stderr } = await run([], env);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) });
});

it.each([[["-o", "json"]], [["-o=json"]], [["--output=json"]], [["--output", "json"]]])(
  "prints an error as JSON on stdout with %j, big integers and all",
  async (flags) => {
    const { exitCode, stdout, stderr } = await run(["db", "broken", ...flags]);
    expect(exitCode).toBe(7);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "E_LOCKED", message: "It is taken", hint: "Wait", fields: { size: "5" } },
    });
    expect(stderr).toBe("Error: It is taken (E_LOCKED)\n  Wait\n");
  },
);

it("prints usage errors as JSON too", async () => {
  const { exitCode, stdout } = await run(["-o", "json", "--password", "x"]);
  expect({ exitCode, code: JSON.parse(stdout).error.code }).toEqual({
    exitCode: 2,
    code: "E_USAGE",
  });
});

it("prints its version on stdout", async () => {
  expect(await run(["--version"])).toEqual({ exitCode: 0, stdout: "1.2.3\n", stderr: "" });
});

it("prints a completion script, and completions", async () => {
  const script = await run(["completion"]);
  expect(script).toMatchObject({ exitCode: 0, stderr: "" });
  expect(script.stdout).toContain(
    "complete -o bashdefault -o default -F _tool_yargs_completions tool",
  );
  const completions = await run(["--get-yargs-completions", "tool", "st"]);
  expect(completions.stdout.split("\n")).toContain("status");
});

it("prints the help of the program, with the default command's flags", async () => {
  const { exitCode, stdout, stderr } = await run(["--help"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatchInlineSnapshot(`
    "tool: does things

    Usage: tool <command> [flags]

    Commands:
      tool move        Tell the flags                                                          [default]
      tool status      Tell the flags
      tool limit       Tell the flags
      tool db          Documents by hand: broken
      tool completion  Print the completion script for bash or zsh

    Options:
          --version          Show version number                                               [boolean]
      -h, --help             Show help                                                         [boolean]
      -o, --output           Text                                    [string] [choices: "table", "json"]
          --user             Text                                                                [array]
          --project-group    Text                                                                [array]
          --dir              Text (env TOOL_DIR)                                                [string]
          --mode             Text (default full; env TOOL_MODE)      [string] [choices: "full", "files"]
          --rate             Rate (env TOOL_RATE)                                               [number]
          --rerun            Again (env TOOL_RERUN)                                            [boolean]
          --source-uri-file  Text                                                               [string]

    Examples:
      tool …  An example

    Exit codes: 0 done and verified, 1 unexpected, 2 usage, 3 finished with conflicts, rejects or skips,
    4 authentication or rights, 5 resource worth a retry, 6 refused for safety, 7 locked, 8 integrity,
    10 changes found, 124 timeout, 130/143 interrupted
    More: tool <command> --help
    "
  `);
});

it("prints the help of one command", async () => {
  expect((await run(["status", "--help"])).stdout).toMatchInlineSnapshot(`
    "tool status

    Tell the flags

    Options:
          --version  Show version number                                                       [boolean]
      -h, --help     Show help                                                                 [boolean]
      -o, --output   Text                                            [string] [choices: "table", "json"]
          --dir      Text                                                                       [string]
          --name     Text                                                                       [string]

    Examples:
      tool …  An example
    "
  `);
});

it("prints the help of a noun", async () => {
  expect((await run(["db", "--help"])).stdout).toMatchInlineSnapshot(`
    "tool db

    Documents by hand: broken

    Commands:
      tool db broken  Tell the flags

    Options:
          --version  Show version number                                                       [boolean]
      -h, --help     Show help                                                                 [boolean]
      -o, --output   Text                                            [string] [choices: "table", "json"]
    "
  `);
});

it("takes a word after the command where it asks for one, and no further one", async () => {
  const told = await run(["limit", "5M", "--name", "x"]);
  expect(told.exitCode).toBe(0);
  expect(JSON.parse(told.stdout)).toEqual({ rate: "5M", name: "x" });
  expect((await run(["limit"])).stderr).toContain("Missing: RATE (E_USAGE)");
  expect((await run(["limit", "5M", "6M"])).stderr).toContain('Cannot take the argument "6M"');
  expect((await run(["limit", ""])).exitCode).toBe(2);
});
