import { resolve } from "node:path";

/** Where the bundled programs are below a folder; undefined without a folder. */
export function bundledPrograms(folder: string | undefined) {
  if (folder === undefined || folder === "") return undefined;
  return { migctl: resolve(folder, "migctl.mjs"), migmgr: resolve(folder, "migmgr.mjs") };
}
