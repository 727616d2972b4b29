import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { NetworkConfig } from "../config/network.ts";
import { refuseSamePlace } from "../controller/deploy/endpoints.ts";
import type { Discovered } from "../controller/discover/discovered.ts";
import { refuseDowngrade } from "../controller/discover/refuse-downgrade.ts";
import { MigrationError } from "../core/errors.ts";
import { type Draft, parse } from "./init-draft.ts";
import { refuseExisting, writeAll } from "./init-secrets.ts";
import { findSide, type InitPorts } from "./init-side.ts";

export interface InitResult {
  /** The network config's file, and those that were written with it. */
  file: string;
  others: string[];
  source: Discovered;
  destination: Discovered;
}

const schemaName = "network.schema.json";

/**
 * Finds both sides, asking where somebody can be asked, and writes the network config. Nothing is
 * written before all of it was checked.
 */
export async function initNetwork(
  start: Draft,
  { force }: { force: boolean },
  ports: InitPorts,
): Promise<InitResult> {
  const { ask, secrets } = ports;
  const file = resolve(start.file);
  if (!force) await refuseExisting([file]);
  const source = await findSide(start, "source", ports);
  const { draft, found } = await findSide(source.draft, "destination", ports);
  refuseSamePlace(source.found, found);
  refuseDowngrade(source.found, found);
  parse(draft);
  if (ask !== undefined && !(await ask.yes(`Write ${start.file}?`))) {
    throw new MigrationError("E_INTERRUPTED", "Stopped", { hint: "Nothing was written" });
  }
  const typed = [...secrets.files()].filter(([path]) => names(draft, path));
  if (!force) await refuseExisting([file, ...typed.map(([path]) => path)]);
  const schema = join(dirname(file), schemaName);
  await writeAll([
    ...typed.map(([path, content]) => ({ path, content, mode: 0o600 })),
    { path: file, content: textOf(draft), mode: 0o600 },
  ]);
  await writeAll([{ path: schema, content: schemaText(), mode: 0o644 }]);
  const others = [...typed.map(([path]) => path), schema];
  return { file, others, source: source.found, destination: found };
}

/** A side that was answered again may have left a secret that is not of use any more. */
function names({ value }: Draft, path: string): boolean {
  const texts = JSON.stringify(value);
  return texts.includes(JSON.stringify(path.slice(path.lastIndexOf("/") + 1)));
}

function textOf({ value }: Draft): string {
  const config = { $schema: `./${schemaName}`, ...(value as object) };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function schemaText(): string {
  return `${JSON.stringify(z.toJSONSchema(NetworkConfig, { io: "input" }), undefined, 2)}\n`;
}
