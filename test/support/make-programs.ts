import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeBundle } from "../../tools/bundle.ts";
import { bundledPrograms } from "./programs.ts";

/** Bundles both programs into `folder`; with failpoints only for tests. */
export async function makePrograms(folder: string, options: { failpoints: boolean }) {
  const programs = bundledPrograms(folder);
  if (programs === undefined) throw new Error("The bundled programs need a folder");
  const parent = dirname(programs.migctl);
  mkdirSync(parent, { recursive: true });
  const making = mkdtempSync(`${parent}-`);
  try {
    await makeBundle(join(making, basename(programs.migctl)), options);
    writeFileSync(join(making, basename(programs.migmgr)), managerEntry);
    // Renamed, as another run may be using those that are there.
    for (const file of Object.values(programs)) renameSync(join(making, basename(file)), file);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return programs;
}

const managerEntry = 'process.argv.splice(2, 0, "manager");\nawait import("./migctl.mjs");\n';
