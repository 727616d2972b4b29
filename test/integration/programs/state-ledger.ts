import { writeSync } from "node:fs";
import { systemClock } from "../../../src/core/clock.ts";
import { openLedger } from "../../../src/state/ledger.ts";

/** Records batches of documents from a given number on until it is killed; prints each once done. */
const [, , folder = "", first = "0"] = process.argv;
const { signal } = new AbortController();
const ledger = await openLedger(folder, { clock: systemClock, signal });
for (let batch = Number(first); ; batch += 1) {
  const entries = Array.from({ length: 500 }, (_, index) => ({
    id: Buffer.from(`${batch}/${index}`),
    hash: Buffer.alloc(32, batch % 251),
  }));
  ledger.documents.intend("A", "run", entries);
  writeSync(1, `${batch}\n`);
}
