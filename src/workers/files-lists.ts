import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { syncFolder } from "../core/atomic-file.ts";
import { failpoint } from "../core/failpoints.ts";
import { printablePath } from "../files/entry.ts";
import type { Inventory } from "../files/inventory.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";

/** Lists every conflict, reject and missing file, one JSON object on each line. */
export async function writeFindings(inventory: Inventory, file: string) {
  await writeLines(file, findings(inventory));
}

export async function writeLines(file: string, values: Iterable<unknown> | AsyncIterable<unknown>) {
  const temporary = `${file}.tmp`;
  await pipeline(lines(values), createWriteStream(temporary, { flush: true }));
  failpoint("list.beforeRename");
  await rename(temporary, file);
  failpoint("list.afterRename");
  await syncFolder(dirname(file));
}

async function* lines(values: Iterable<unknown> | AsyncIterable<unknown>) {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}

function* findings(inventory: Inventory) {
  for (const { path, reason } of inventory.missing()) {
    yield { ...printablePath(path), selected: true, verdict: "missing", reason };
  }
  for (const page of inventory.pages({ verdicts: ["conflict", "rejected", "missing"] })) {
    for (const entry of page) yield finding(entry);
  }
}

function finding(entry: InventoryEntry) {
  const { before } = entry;
  return {
    ...printablePath(entry.path),
    verdict: entry.verdict,
    reason: entry.reason,
    ...(entry.verdict === "conflict" && entry.send === "data" ? { overwritten: true } : {}),
    source: { type: entry.type, size: entry.size, mtimeNs: String(entry.mtimeNs) },
    ...(before === undefined
      ? {}
      : {
          destination: { type: before.type, size: before.size, mtimeNs: String(before.mtimeNs) },
        }),
  };
}
