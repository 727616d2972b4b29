import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { programs } from "../support/migration.ts";

/** Nobody reads what it prints any more. */
async function runUnread(program: string) {
  const child = spawn(process.execPath, [program, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const [[code, signal], stderr] = await Promise.all([once(child, "close"), text(child.stderr)]);
  return { code, signal, stderr };
}

it("ends the controller without a word, as head and its like expect", async () => {
  expect(await runUnread(programs.migctl)).toEqual({ code: null, signal: "SIGTERM", stderr: "" });
});

it("does not end the manager, whose work goes on unseen", async () => {
  expect(await runUnread(programs.migmgr)).toEqual({ code: 0, signal: null, stderr: "" });
});
