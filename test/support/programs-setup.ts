import type { TestProject } from "vitest/node";
import { makePrograms } from "./make-programs.ts";

/**
 * Bundles both programs for the tests that run them hundreds of times: a bundle begins in two thirds
 * of the processor time. It has failpoints, other than the one that is delivered.
 */
export async function setup({ config }: TestProject): Promise<void> {
  const folder = config.env["MIGCTL_TEST_PROGRAMS"];
  if (folder) await makePrograms(folder, { failpoints: true });
}
