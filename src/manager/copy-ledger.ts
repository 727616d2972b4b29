import { copyFile } from "node:fs/promises";
import { codeOf } from "../core/errors.ts";

/** Copies a ledger, if there is one: a look at the copy changes nothing and waits for nobody. */
export async function copyLedger(folder: string, to: string) {
  try {
    await copyFile(`${folder}/ledger.sqlite`, `${to}/ledger.sqlite`);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
