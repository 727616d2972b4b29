import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makePrograms } from "../../test/support/make-programs.ts";

/** Where the image has what the script starts. */
const packagedBundle = "/opt/migctl/migctl.mjs";

/** The programs as they are delivered: one bundle, and the image's script that starts the manager. */
export interface Programs {
  /** For node. */
  migctl: string;
  /** To be run as it is. */
  migmgr: string;
}

export async function makeDeliveredPrograms(folder: string): Promise<Programs> {
  const { migctl } = await makePrograms(folder, { failpoints: false });
  const script = readFileSync("packaging/migmgr", "utf8");
  if (!script.includes(packagedBundle)) throw new Error("packaging/migmgr starts another bundle");
  const migmgr = join(folder, "migmgr");
  const path = `export PATH='${dirname(process.execPath)}':"$PATH"\n`;
  writeFileSync(
    migmgr,
    script.replace(packagedBundle, migctl).replace("export ", `${path}export `),
  );
  chmodSync(migmgr, 0o755);
  return { migctl, migmgr };
}
