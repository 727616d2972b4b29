import { makeOutput, type Output } from "../../src/core/output.ts";

export interface Captured {
  out: Output;
  stdout(): string;
  stderr(): string;
}

/** An output that keeps what is printed. */
export function captureOutput(columns = 100): Captured {
  const printed = { stdout: "", stderr: "" };
  const sink = (name: keyof typeof printed) => ({
    columns,
    write(text: string) {
      printed[name] += text;
    },
  });
  return {
    out: makeOutput(sink("stdout"), sink("stderr")),
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
  };
}
