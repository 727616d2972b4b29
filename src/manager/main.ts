#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=2
import { options } from "../config/options.ts";
import { type Command, runProgram } from "../core/command.ts";
import { exitCodes } from "../core/errors.ts";
import { armFailpoints } from "../core/failpoints.ts";
import { makeOutput } from "../core/output.ts";
import { programVersion } from "../core/version.ts";
import { managerCommands } from "./commands.ts";
import { type ManagerContext, makeManagerContext } from "./context.ts";
import { untilStopped } from "./pod-life.ts";
import { stopOnSignals } from "./signals.ts";

const out = makeOutput(process.stdout, process.stderr);
// A migration does not end because nobody reads what it says.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
const commands: readonly Command<ManagerContext>[] = managerCommands;
const argv = process.argv.slice(2);
const stop = stopOnSignals(process);
let context: ManagerContext | undefined;

const exitCode = await runProgram(
  {
    name: "migmgr",
    describe: "moves an application's files and documents; migctl starts it",
    version: programVersion,
    commands,
    groups: { db: "Documents alone, by hand", files: "Files alone, by hand" },
    globals: {
      output: options.output,
      "log-level": options["log-level"],
      "log-format": options["log-format"],
    },
    async makeContext(globals) {
      armFailpoints(process.env);
      context = await makeManagerContext(globals, { out, stop });
      return context;
    },
    env: process.env,
    out,
  },
  argv,
);
// A command line that is refused once is so again, however often its container restarts.
const stays = context === undefined && exitCode !== exitCodes.done && argv.includes("--stay");
if (stays) await untilStopped(stop);
// Which signal it was, only who caught it knows.
const wasStopped = exitCode === exitCodes.interrupted && stop.signal.aborted;
process.exitCode = wasStopped ? stop.code() : stays ? exitCodes.done : exitCode;
