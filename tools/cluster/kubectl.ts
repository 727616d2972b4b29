import { execa } from "execa";
import { provideGoProgram } from "./build.ts";

export interface KubectlOptions {
  input?: string;
  timeoutMs?: number;
}

/** Runs kubectl of the cluster's own version and returns what it printed. */
export async function kubectl(
  kubeconfig: string,
  args: readonly string[],
  { input, timeoutMs = 120_000 }: KubectlOptions = {},
): Promise<string> {
  const program = await provideGoProgram("kubernetes");
  const { stdout } = await execa(program, ["kubectl", `--kubeconfig=${kubeconfig}`, ...args], {
    timeout: timeoutMs,
    ...(input === undefined ? { stdin: "ignore" } : { input }),
  });
  return stdout;
}
