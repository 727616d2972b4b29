#!/usr/bin/env node
import { options } from "../config/options.ts";
import { runProgram } from "../core/command.ts";
import { makeOutput } from "../core/output.ts";
import { programVersion } from "../core/version.ts";
import { cliCommands } from "./commands.ts";
import { makeCliContext } from "./context.ts";

const out = makeOutput(process.stdout, process.stderr);
// As every program that writes to a pipe which nobody reads any more, but not before it has cleaned up.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.kill(process.pid, "SIGTERM");
});

process.exitCode = await runProgram(
  {
    name: "migctl",
    describe: "moves a whole application, files and MongoDB documents, with every id kept",
    version: programVersion,
    commands: cliCommands,
    groups: {
      secret: "The Secret with a migration's credentials",
      image: "The image with both programs",
    },
    commandFlags: { status: "status", delete: "delete", "output-yaml": "render" },
    globals: { output: options.output, progress: options.progress },
    makeContext: async (globals) => makeCliContext(globals, out),
    env: process.env,
    out,
  },
  process.argv.slice(2),
);
