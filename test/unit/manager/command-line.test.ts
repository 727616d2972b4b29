import { describe, expect, it } from "vitest";
import { runProgram } from "../../../src/core/command.ts";
import { managerCommands } from "../../../src/manager/commands.ts";
import { captureOutput } from "../../support/sinks.ts";

/** In this process: neither help nor a usage error needs more than the command line. */
async function parse(...argv: string[]) {
  const { out, stdout, stderr } = captureOutput();
  const makeContext = () => Promise.reject(new Error("nothing is to be run"));
  const program = {
    name: "migmgr",
    describe: "moves",
    version: "1.2.3",
    globals: {},
    env: {},
    out,
  };
  const code = await runProgram({ ...program, commands: managerCommands, makeContext }, argv);
  return { code, stdout: stdout(), stderr: stderr() };
}

describe("every command", () => {
  it.each(managerCommands)("$name shows its examples with --help", async ({ name, load }) => {
    const { examples } = await load();
    const { code, stdout } = await parse(...name.split(" "), "--help");
    expect(code).toBe(0);
    const [, shown = ""] = stdout.split("Examples:");
    expect(examples.length).toBeGreaterThan(0);
    for (const [line] of examples) expect(shown).toContain(line.slice(0, 16));
  });

  const demanding = managerCommands.filter(({ name }) => name !== "inspect");
  it.each(demanding)(
    "$name exits with 2 where it is not told what to work on",
    async ({ name }) => {
      const { code, stderr, stdout } = await parse(...name.split(" "));
      expect(code).toBe(2);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^Error: Missing: .*--.*\(E_USAGE\)\n {2}\S/);
    },
  );
});
