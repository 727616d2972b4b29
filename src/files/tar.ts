import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { asBrokenStream, BrokenStream } from "./broken-stream.ts";
import type { Receiving } from "./destination.ts";
import type { Ownership } from "./ownership.ts";
import { type Pacing, paced } from "./paced.ts";
import { startReceiving } from "./receiving.ts";

export interface TarCopy {
  sourceDir: string;
  /** NUL-separated paths. */
  list: string;
  ownership: Ownership;
  /** Starts the tar that unpacks, in an empty private folder. */
  unpack(signal: AbortSignal): Promise<Receiving>;
  signal: AbortSignal;
  pacing?: Pacing;
  onBytes?: (count: number) => void;
}

export interface TarResult {
  /** Both exit codes: 0, 1 (files changed while they were read) or 2. */
  create: number;
  extract: number;
  stderr: string;
}

/**
 * Copies the listed files into a folder that nobody else writes to, by the tars of both sides.
 * What is there afterwards is for the caller to look at: tar goes on past files that it cannot
 * read. Throws `BrokenStream` where the connection between the two broke.
 */
export async function copyByTar(copy: TarCopy): Promise<TarResult> {
  failpoint("tar.beforeRun");
  const failure = new AbortController();
  const signal = AbortSignal.any([copy.signal, failure.signal]);
  const extract = await copy.unpack(signal).catch((error: unknown) => {
    throw asBrokenStream(error);
  });
  const create = startReceiving("tar", createArguments(copy), signal);
  create.stream.end();
  // What tar prints on standard output is of no interest, and must not stop it.
  extract.stream.resume();
  const pipe = pipeline([
    Readable.from(counted(create.stream, copy.onBytes), { objectMode: false }),
    ...paced(copy.pacing),
    extract.stream,
  ]).catch(() => undefined);
  try {
    const [created, extracted] = await Promise.all([create.ended, extract.ended, pipe]);
    stopIfAborted(copy.signal);
    failpoint("tar.afterRun");
    if (extracted.exitCode >= 128) throw endedThere(extracted);
    const stderr = created.stderr + extracted.stderr;
    return { create: created.exitCode, extract: extracted.exitCode, stderr };
  } catch (error) {
    failure.abort();
    create.stream.destroy();
    extract.stream.destroy();
    await Promise.allSettled([create.ended, pipe]);
    stopIfAborted(copy.signal);
    throw asBrokenStream(error);
  }
}

function stopIfAborted(signal: AbortSignal) {
  if (signal.aborted)
    throw new MigrationError("E_INTERRUPTED", "The copy of the files was stopped");
}

function endedThere({ exitCode, stderr }: { exitCode: number; stderr: string }) {
  const signal = exitCode - 128;
  return new BrokenStream(
    `tar at the destination was ended by signal ${signal}`,
    new Error(stderr),
  );
}

async function* counted(source: Readable, onBytes: TarCopy["onBytes"]) {
  for await (const piece of source) {
    onBytes?.((piece as Buffer).length);
    yield piece as Buffer;
    failpoint("tar.afterPiece");
  }
}

/**
 * ACLs go as the extended attributes that they are: with --acls tar writes the names that ids have
 * here, and they would become the ids of those names there. Under `map` rsync brings all of it.
 */
function createArguments({ sourceDir, list, ownership }: TarCopy): string[] {
  const attributes = ownership === "preserve" ? ["--xattrs"] : [];
  return [
    ...["--create", "--format=posix", "--file=-", "--sparse", "--numeric-owner", ...attributes],
    ...[`--directory=${resolve(sourceDir)}`, "--no-recursion", "--null", "--no-unquote"],
    ...["--verbatim-files-from", `--files-from=${list}`],
  ];
}

/** How the receiving tar unpacks its standard input into a folder. */
export function extractArguments(into: string, ownership: Ownership): string[] {
  const attributes = {
    inherit: ["--no-same-owner"],
    preserve: [
      ...["--same-owner", "--numeric-owner", "--xattrs", "--xattrs-include=*"],
      ...["--xattrs-exclude=security.selinux", "--xattrs-exclude=security.ima"],
    ],
    map: ["--same-owner", "--numeric-owner"],
  };
  return [
    ...["--extract", "--file=-", `--directory=${into}`, "--preserve-permissions"],
    ...["--keep-old-files", ...attributes[ownership]],
  ];
}
