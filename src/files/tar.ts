import { spawn } from "node:child_process";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { MigrationError } from "../core/errors.ts";
import type { Ownership } from "./ownership.ts";

export interface TarCopy {
  sourceDir: string;
  /** An empty private folder. */
  into: string;
  /** NUL-separated paths. */
  list: string;
  ownership: Ownership;
  signal: AbortSignal;
  onBytes?: (count: number) => void;
}

export interface TarResult {
  /** Both exit codes: 0, 1 (files changed while they were read) or 2. */
  create: number;
  extract: number;
  stderr: string;
}

/**
 * Copies the listed files into a folder that nobody else writes to, by the system's tar. What is
 * there afterwards is for the caller to look at: tar goes on past files that it cannot read.
 */
export async function copyByTar(copy: TarCopy): Promise<TarResult> {
  const create = start(createArguments(copy));
  const extract = start(extractArguments(copy));
  const stop = () => {
    create.child.kill("SIGKILL");
    extract.child.kill("SIGKILL");
  };
  copy.signal.addEventListener("abort", stop, { once: true });
  if (copy.signal.aborted) stop();
  try {
    const pipe = pipeline(
      create.child.stdout,
      (source: Readable) => counted(source, copy.onBytes),
      extract.child.stdin,
    ).catch(() => undefined);
    const [created, extracted] = await Promise.all([create.ended, extract.ended, pipe]);
    if (copy.signal.aborted) {
      throw new MigrationError("E_INTERRUPTED", "The copy of the files was stopped");
    }
    return { create: created, extract: extracted, stderr: create.stderr() + extract.stderr() };
  } catch (error) {
    stop();
    throw error;
  } finally {
    copy.signal.removeEventListener("abort", stop);
  }
}

async function* counted(source: Readable, onBytes: TarCopy["onBytes"]) {
  for await (const piece of source) {
    onBytes?.((piece as Buffer).length);
    yield piece as Buffer;
  }
}

function createArguments({ sourceDir, list, ownership }: TarCopy): string[] {
  const attributes = ownership === "preserve" ? ["--xattrs", "--acls"] : [];
  return [
    ...["--create", "--format=posix", "--file=-", "--sparse", "--numeric-owner", ...attributes],
    ...[`--directory=${resolve(sourceDir)}`, "--no-recursion", "--null", "--no-unquote"],
    ...["--verbatim-files-from", `--files-from=${list}`],
  ];
}

function extractArguments({ into, ownership }: TarCopy): string[] {
  const attributes =
    ownership === "preserve"
      ? [
          ...["--same-owner", "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*"],
          ...["--xattrs-exclude=security.selinux", "--xattrs-exclude=security.ima"],
        ]
      : ["--no-same-owner"];
  return [
    ...["--extract", "--file=-", `--directory=${into}`, "--preserve-permissions"],
    ...["--keep-old-files", ...attributes],
  ];
}

function start(args: string[]) {
  const { PATH } = process.env;
  const child = spawn("tar", args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH, LC_ALL: "C" },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-16_384);
  });
  // A tar that ends early breaks the pipe: its exit code tells, not the pipe.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<number>((done, fail) => {
    child.on("error", (cause) => {
      const details = { cause, hint: "Install GNU tar, or put it on PATH" };
      fail(new MigrationError("E_PROGRAM", 'Cannot start "tar"', details));
    });
    child.on("close", (code) => done(code ?? -1));
  });
  return { child, ended, stderr: () => stderr };
}
