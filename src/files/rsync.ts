import { resolve } from "node:path";
import { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { type ProcessResult, runProcess } from "../core/process.ts";
import { asBrokenStream, BrokenStream } from "./broken-stream.ts";
import type { RsyncRoute } from "./destination.ts";
import { inheritChmod, type Owners, type Powers } from "./ownership.ts";
import { rsyncMapFlags } from "./ownership-map.ts";
import type { Pacing } from "./paced.ts";
import {
  isBrokenExit,
  parseComplaints,
  type RsyncComplaint,
  rsyncExit,
  saysNoSpace,
} from "./rsync-exit.ts";
import type { RsyncFeatures } from "./rsync-features.ts";
import { type AttributesDiffer, makeItemParser } from "./rsync-itemized.ts";
import { runLimited } from "./rsync-limited.ts";
import { type LinkEnd, linkFlags, makeRsyncLink, receiverHost } from "./rsync-link.ts";
import { makeProgressParser, type RsyncProgress } from "./rsync-progress.ts";

/** Longer relative paths are cut off by rsync without a word. */
export const longestRsyncPath = 4000;

export interface RsyncRun extends Owners {
  sourceDir: string;
  route: RsyncRoute;
  /** What the receiving side may do. */
  powers: Powers;
  /** What the rsyncs of both sides can do. */
  features: RsyncFeatures;
  /** NUL-separated paths, each with a leading "./". */
  list: string;
  /** Sends also what has equal size and time. */
  ignoreTimes?: boolean;
  /** Of the bytes on their way. */
  pacing?: Pacing;
  signal: AbortSignal;
  /** It is to send many bytes. */
  isMuch?: boolean;
  onProgress?: (progress: RsyncProgress) => void;
}

/**
 * Sends exactly the listed entries. Content never stands unfinished under its final name. Returns
 * what rsync complained of; an exit code that is not about single files throws, `BrokenStream`
 * where the connection to the destination broke.
 */
export async function runRsync(run: RsyncRun): Promise<RsyncComplaint[]> {
  const { add, flush } = readProgress(run.onProgress ?? (() => undefined));
  const complaints = await runOver(run, rsyncArguments(run), add);
  flush();
  return complaints;
}

const progressMs = 50;

/** rsync tells of every file, and only what it said last counts. */
function readProgress(onProgress: (progress: RsyncProgress) => void) {
  const parse = makeProgressParser();
  let text = "";
  let read = Number.NEGATIVE_INFINITY;
  function flush() {
    const progress = parse(text);
    if (progress !== undefined) onProgress(progress);
    text = "";
    read = performance.now();
  }
  function add(more: string) {
    text += more;
    if (performance.now() - read >= progressMs) flush();
  }
  return { add, flush };
}

/** Gives the destination root the attributes of the source root, and touches nothing below it. */
export async function syncRootAttributes(run: RsyncRun): Promise<RsyncComplaint[]> {
  return await runOver(run, ["--dirs", ...attributeFlags(run), "--exclude=*"]);
}

/** The listed entries whose ACLs or extended attributes are not as a run would make them. */
export async function differingAttributes(run: RsyncRun): Promise<AttributesDiffer[]> {
  return await itemize(run, listFlags(run));
}

export async function differingRootAttributes(run: RsyncRun): Promise<AttributesDiffer[]> {
  return await itemize(run, ["--dirs", "--exclude=*"]);
}

async function itemize(run: RsyncRun, what: string[]): Promise<AttributesDiffer[]> {
  const items: AttributesDiffer[] = [];
  const flags = [...attributeFlags(run), ...what, "--dry-run", "--out-format=%i %n", "--outbuf=L"];
  await runOver(
    run,
    flags,
    makeItemParser((item) => items.push(item)),
  );
  return items;
}

/** Seconds without a byte: what is only slow says that it lives. */
const idle = "--timeout=300";

async function runOver(
  run: RsyncRun,
  flags: string[],
  onOutput: (text: string) => void = () => undefined,
): Promise<RsyncComplaint[]> {
  const { signal, route } = run;
  const source = `${resolve(run.sourceDir)}/`;
  failpoint("rsync.beforeRun");
  if (route.connect === undefined) {
    const args = [...flags, "--", source, `${route.root}/`];
    return judge(await runLimited(args, run, onOutput), signal);
  }
  const link = makeRsyncLink(route.connect, run);
  const args = [...linkFlags, idle, ...flags, "--", source, `${receiverHost}:${route.root}/`];
  const { channel } = link;
  const result = await runProcess("rsync", args, { signal, onOutput, channel });
  const end = await link.end();
  // What the other end said last it may have said on its own standard error only.
  const stderr = `${end.stderr ?? ""}\n${result.stderr}`;
  return judge({ ...result, stderr }, signal, end);
}

function judge(result: ProcessResult, signal: AbortSignal, end?: LinkEnd): RsyncComplaint[] {
  failpoint("rsync.afterRun");
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
  if (end !== undefined && "lost" in end) throw asBrokenStream(end.lost);
  if (result.signal !== undefined) {
    throw new MigrationError("E_PROGRAM", `rsync was ended by ${result.signal}`, {
      hint: "Look for who ended it (the out-of-memory killer?), then start again",
    });
  }
  throw failure(result, end);
}

/** Where only the connection suffered, the other end may know why. */
function failure({ exitCode, stderr }: ProcessResult, end: LinkEnd | undefined): MigrationError {
  if (end === undefined || !isBrokenExit(exitCode)) return exitFailure("rsync", exitCode, stderr);
  const { exitCode: there = 0, stderr: words = "" } = end;
  if (there !== 0 && !isBrokenExit(there)) {
    return exitFailure("rsync at the destination", there, words);
  }
  return new BrokenStream(
    `The connection to the destination broke: rsync ended with code ${exitCode} here and ${there} there`,
    new Error(words.trim() || stderr.trim()),
  );
}

function exitFailure(who: string, exitCode: number, stderr: string): MigrationError {
  const { meaning, code, hint } = rsyncExit(exitCode);
  return new MigrationError(code, `${who} ended with code ${exitCode}: ${meaning}`, {
    hint,
    fields: { exitCode, stderr: stderr.slice(-2000) },
  });
}

function rsyncArguments(run: RsyncRun): string[] {
  const args = [
    ...attributeFlags(run),
    "--hard-links",
    "--sparse",
    ...listFlags(run),
    `--temp-dir=${run.route.unfinished}`,
    `--partial-dir=${run.route.partial}`,
    "--info=progress2",
    "--no-human-readable",
    "--outbuf=L",
  ];
  // What it cannot open it must not be told to go on with.
  if (!run.features.resumes) args.push("--whole-file");
  if (run.ignoreTimes) args.push("--ignore-times");
  return args;
}

function listFlags({ list }: RsyncRun): string[] {
  return [`--files-from=${list}`, "--from0", "--no-implied-dirs"];
}

function attributeFlags(run: RsyncRun): string[] {
  const { ownership, ownershipMap, powers, features, route } = run;
  const flags = ["--links", "--times", "--perms", "--modify-window=-1", "--no-recursive"];
  if (ownership === "inherit") {
    flags.push("--omit-dir-times", "--no-owner", "--no-group", "--no-D");
    return [...flags, `--chmod=${inheritChmod}`];
  }
  flags.push("--owner", "--group", "--specials", "--numeric-ids");
  if (ownershipMap !== undefined) flags.push(...rsyncMapFlags(ownershipMap));
  if (powers.devices) flags.push("--devices");
  if (features.acls) flags.push("--acls");
  if (features.xattrs) flags.push("--xattrs", ...xattrFilters(powers, route));
  return flags;
}

/**
 * The labels of the destination's own security modules must win. With a filter of ours, rsync drops
 * its own one against `system.*`: there are ACLs, whose ids would come unmapped.
 */
function xattrFilters(powers: Powers, { connect }: RsyncRoute): string[] {
  const names = powers.fileCapabilities
    ? ["security.selinux", "security.ima", "security.evm"]
    : ["security.*"];
  names.push("system.*");
  if (!powers.trustedAttributes) names.push("trusted.*");
  const filters = names.map((name) => `--filter=-x ${name}`);
  // A sender keeps its filters to itself, and the other end would remove what it does not know.
  return connect === undefined ? filters : [...filters, ...filters.map((one) => `-M${one}`)];
}
