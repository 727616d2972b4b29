import { resolve } from "node:path";
import { MigrationError } from "../core/errors.ts";
import { runProcess } from "../core/process.ts";
import { inheritChmod, type Ownership, type Powers } from "./ownership.ts";
import { parseComplaints, type RsyncComplaint, rsyncExit, saysNoSpace } from "./rsync-exit.ts";
import { makeProgressParser, type RsyncProgress } from "./rsync-progress.ts";

/** Longer relative paths are cut off by rsync without a word. */
export const longestRsyncPath = 4000;

export interface RsyncFeatures {
  acls: boolean;
  xattrs: boolean;
}

export interface RsyncRun {
  sourceDir: string;
  destinationDir: string;
  ownership: Ownership;
  powers: Powers;
  features: RsyncFeatures;
  /** NUL-separated paths, each with a leading "./". */
  list: string;
  /** Folders of this run alone on the destination's file system, for unfinished files. */
  unfinished: string;
  partial: string;
  /** Sends also what has equal size and time. */
  ignoreTimes?: boolean;
  bandwidthLimit?: number;
  signal: AbortSignal;
  onProgress?: (progress: RsyncProgress) => void;
}

/** What rsync can do here; throws E_PROGRAM where it is missing or too old. */
export async function rsyncFeatures(signal: AbortSignal): Promise<RsyncFeatures> {
  const { stdout } = await runProcess("rsync", ["--version"], { signal });
  const [major = 0, minor = 0, patch = 0] = (/version (\d+)\.(\d+)\.(\d+)/.exec(stdout) ?? [])
    .slice(1)
    .map(Number);
  if (major * 1e6 + minor * 1e3 + patch < 3_001_003) {
    throw new MigrationError(
      "E_PROGRAM",
      "The rsync here is too old, or does not say its version",
      {
        hint: "Install rsync 3.1.3 or newer, which compares times to the nanosecond",
      },
    );
  }
  return { acls: /(?<!no )\bACLs\b/.test(stdout), xattrs: /(?<!no )\bxattrs\b/.test(stdout) };
}

/**
 * Sends exactly the listed entries. Content never stands unfinished under its final name. Returns
 * what rsync complained of; an exit code that is not about single files throws.
 */
export async function runRsync(run: RsyncRun): Promise<RsyncComplaint[]> {
  const parse = makeProgressParser();
  const result = await runProcess("rsync", rsyncArguments(run), {
    signal: run.signal,
    onOutput: (text) => {
      const progress = parse(text);
      if (progress !== undefined) run.onProgress?.(progress);
    },
  });
  return judge(result, run.signal);
}

/** Gives the destination root the attributes of the source root, and touches nothing below it. */
export async function syncRootAttributes(run: RsyncRun) {
  const args = ["--dirs", ...attributeFlags(run), "--exclude=*", "--"];
  const result = await runProcess("rsync", [...args, ...roots(run)], { signal: run.signal });
  return judge(result, run.signal);
}

function judge(
  result: { exitCode: number; signal: string | undefined; stderr: string },
  signal: AbortSignal,
): RsyncComplaint[] {
  if (signal.aborted) {
    throw new MigrationError("E_INTERRUPTED", "The copy of the files was stopped", {
      hint: "Start the migration again: it goes on where it stopped",
    });
  }
  const complaints = parseComplaints(result.stderr);
  if (saysNoSpace(complaints)) {
    throw new MigrationError("E_NO_SPACE", "The destination's volume is full");
  }
  if ([0, 23, 24].includes(result.exitCode)) return complaints;
  if (result.signal !== undefined) {
    throw new MigrationError("E_PROGRAM", `rsync was ended by ${result.signal}`, {
      hint: "Look for who ended it (the out-of-memory killer?), then start again",
    });
  }
  const { meaning, code, hint } = rsyncExit(result.exitCode);
  throw new MigrationError(code, `rsync ended with code ${result.exitCode}: ${meaning}`, {
    hint,
    fields: { exitCode: result.exitCode, stderr: result.stderr.slice(-2000) },
  });
}

function rsyncArguments(run: RsyncRun): string[] {
  const args = [
    ...attributeFlags(run),
    "--hard-links",
    "--sparse",
    `--files-from=${run.list}`,
    "--from0",
    "--no-implied-dirs",
    `--temp-dir=${run.unfinished}`,
    `--partial-dir=${run.partial}`,
    "--info=progress2",
    "--no-human-readable",
    "--outbuf=L",
  ];
  if (run.ignoreTimes) args.push("--ignore-times");
  if (run.bandwidthLimit !== undefined) args.push(`--bwlimit=${run.bandwidthLimit}`);
  return [...args, "--", ...roots(run)];
}

/** Absolute, so that neither a leading dash nor a colon means anything to rsync. */
function roots(run: RsyncRun): string[] {
  return [`${resolve(run.sourceDir)}/`, `${resolve(run.destinationDir)}/`];
}

function attributeFlags({ ownership, powers, features }: RsyncRun): string[] {
  const flags = ["--links", "--times", "--perms", "--modify-window=-1", "--no-recursive"];
  if (ownership === "inherit") {
    flags.push("--omit-dir-times", "--no-owner", "--no-group", "--no-D");
    return [...flags, `--chmod=${inheritChmod}`];
  }
  flags.push("--owner", "--group", "--specials", "--numeric-ids");
  if (powers.devices) flags.push("--devices");
  if (features.acls) flags.push("--acls");
  if (features.xattrs) flags.push("--xattrs", ...xattrFilters(powers));
  return flags;
}

/** The labels of the destination's own security modules must win. */
function xattrFilters(powers: Powers): string[] {
  const names = powers.fileCapabilities
    ? ["security.selinux", "security.ima", "security.evm"]
    : ["security.*"];
  if (!powers.trustedAttributes) names.push("trusted.*");
  return names.map((name) => `--filter=-x ${name}`);
}
