#!/usr/bin/env node
import { options } from "../config/options.ts";
import { runProgram } from "../core/command.ts";
import { makeOutput } from "../core/output.ts";
import { programVersion } from "../core/version.ts";
import { cliCommands } from "./commands.ts";
import { makeCliContext } from "./context.ts";

const out = makeOutput(process.stdout, process.stderr);

process.exitCode = await runProgram(
  {
    name: "migctl",
    describe: "moves a whole application, files and MongoDB documents, with every id kept",
    version: programVersion,
    commands: cliCommands,
    commandFlags: { status: "status", delete: "delete", "output-yaml": "render" },
    globals: { output: options.output, progress: options.progress },
    makeContext: async (globals) => makeCliContext(globals, out),
    env: process.env,
    out,
  },
  process.argv.slice(2),
);
