import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { TestProject } from "vitest/node";
import { makeBundle } from "../../tools/bundle.ts";
import { bundledPrograms } from "./programs.ts";

/**
 * Bundles both programs for the tests that run them hundreds of times: a bundle begins in two thirds
 * of the processor time. It has failpoints, other than the one that is delivered.
 */
export async function setup({ config }: TestProject): Promise<void> {
  const programs = bundledPrograms(config.env["MIGCTL_TEST_PROGRAMS"]);
  if (programs === undefined) return;
  const folder = dirname(programs.migctl);
  mkdirSync(folder, { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  try {
    await makeBundle(join(making, basename(programs.migctl)), { failpoints: true });
    writeFileSync(join(making, basename(programs.migmgr)), managerEntry);
    // Renamed, as another run may be using those that are there.
    for (const file of Object.values(programs)) renameSync(join(making, basename(file)), file);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

const managerEntry = 'process.argv.splice(2, 0, "manager");\nawait import("./migctl.mjs");\n';
