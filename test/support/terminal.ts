import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { onTestFinished } from "vitest";

/** What is waited for on the screen, and what is typed then. */
export type Step = readonly [seen: string, keys: string];

export const keys = { enter: "\r", down: "\u001b[B", stop: "\u0003" };

export interface TerminalRun {
  code: number | null;
  /** All that was on the screen, without colours and movements. */
  screen: string;
}

/** Runs a program at a terminal of its own, and answers as a person does. */
export async function atTerminal(
  command: readonly string[],
  steps: readonly Step[],
  env: Record<string, string>,
): Promise<TerminalRun> {
  const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  // A terminal that nobody looks at has no width, and every letter a line of its own.
  const sized = `stty cols 200 rows 60; exec ${line}`;
  const child = spawn("script", ["-qefc", sized, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
  });
  onTestFinished(() => void child.kill());
  const left = [...steps];
  let screen = "";
  let unseen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const plain = stripVTControlCharacters(text);
    screen += plain;
    unseen += plain;
    const next = left[0];
    if (next === undefined || !unseen.includes(next[0])) return;
    left.shift();
    unseen = "";
    child.stdin.write(next[1]);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  if (left.length > 0) throw new Error(`"${left[0]?.[0]}" was never seen in:\n${screen}`);
  return { code, screen };
}
