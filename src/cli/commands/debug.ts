import { access, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { options } from "../../config/options.ts";
import { type Bundle, packBundle } from "../../controller/debug/gather.ts";
import { defineCommand } from "../../core/command.ts";
import { codeOf, exitCodes, MigrationError } from "../../core/errors.ts";
import { formatBytes } from "../../core/format.ts";
import type { Output } from "../../core/output.ts";
import type { CliContext } from "../context.ts";
import { gatherFromClusters, gatherFromFolder } from "../debug-cluster.ts";
import { networkOptions } from "../request-options.ts";
import { whereOf } from "../where.ts";

export const debugCommand = defineCommand({
  args: {
    ...networkOptions,
    "source-dir": options["source-dir"],
    "work-dir": options["work-dir"],
    name: { ...options.name, describe: "The migration's name, where there are several" },
    "skip-pod": options["skip-pod"],
    out: {
      ...options.out,
      describe: "The file to write (tar.gz); one that is there is never replaced",
      default: "migctl-debug-<time>.tar.gz",
    },
  },
  examples: [
    ["migctl debug", "Of the migration in the cluster of network.json"],
    ["migctl debug -n default --name mvi-full-1a2b3c4d", "Of one of several, in that namespace"],
    ["migctl debug --source-dir /a/data --out problem.tar.gz", "Of a migration of this machine"],
    [
      "migctl debug --skip-pod -o json",
      "Without a pod to look at the volume; what is in it as JSON",
    ],
  ],
  async run(flags, context: CliContext) {
    const { out, format, clock } = context;
    const path = resolve(flags.out ?? defaultName(clock.now()));
    await refuseExisting(path);
    const { place, file } = await whereOf(flags);
    const gathered =
      place === undefined
        ? await gatherFromClusters(file, flags, context)
        : await gatherFromFolder(
            { place, ...(file === undefined ? {} : { file }) },
            flags,
            context,
          );
    const bundle = packBundle(gathered, clock.now());
    await writeNew(path, bundle.bytes);
    const { files, missing } = bundle;
    if (format === "table") printBundle(path, bundle, out);
    else out.data({ version: 1, file: path, files, missing }, format);
    return exitCodes.done;
  },
});

function defaultName(now: number): string {
  const time = new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, "");
  return `migctl-debug-${time}.tar.gz`;
}

async function refuseExisting(path: string) {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw exists(path);
}

function exists(path: string, cause?: unknown): MigrationError {
  return new MigrationError("E_EXISTS", `The file "${path}" is there already`, {
    cause,
    hint: "Give another name with --out, or remove it",
  });
}

async function writeNew(path: string, bytes: Buffer) {
  try {
    await writeFile(path, bytes, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    throw codeOf(cause) === "EEXIST" ? exists(path, cause) : cause;
  }
}

function printBundle(path: string, { files, missing }: Bundle, out: Output) {
  out.table(
    ["FILE", "SIZE"],
    files.map(({ path: name, bytes }) => [name, formatBytes(bytes)]),
  );
  if (missing.length > 0) out.line("");
  for (const { path: name, reason } of missing) out.line(`Not had: ${name}: ${reason}`);
  out.line("");
  out.line(`Wrote "${path}". Known secrets, and what looks like one, are masked; names of`);
  out.line("servers, users, files and documents are not. Look through it before you send it:");
  out.line(`  tar -xzf ${path}`);
}
