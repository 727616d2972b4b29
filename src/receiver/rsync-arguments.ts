import { join, normalize } from "node:path";
import { MigrationError } from "../core/errors.ts";
import { safePathPart } from "../files/entry.ts";

interface Folders {
  root: string;
  /** The name of the run's folder for unfinished things below the root. */
  temporary: string;
}

/** Letters that only say what of a file is kept, and the capabilities that follow `e.`. */
const bundle = /^-[slHogDtpAXIRSOWcrdvznE]*(?:e\d*\.[A-Za-z]*)?$/;

/** What may stand alone: nothing here names a file, a program, or what is to be removed. */
const plain = [
  ...[/^--(?:numeric-ids|no-implied-dirs|existing|ignore-existing|super|fake-super)$/],
  ...[/^--(?:no-)?(?:specials|devices)$/],
  ...[/^--(?:bwlimit|timeout|modify-window|block-size)=-?\d+(?:\.\d+)?$/, /^-@-?\d+$/],
  ...[/^--(?:usermap|groupmap)=[\d:,*-]+$/, /^--(?:checksum-choice|compress-choice)=\w+$/],
  ...[/^--filter=-x [\w.*]+$/, /^--log-format=[%A-Za-z]*$/],
];

/** Folders of the run; all else that takes a path is refused. */
const folderFlag = /^--(?<name>partial-dir|temp-dir)(?:=(?<path>.*))?$/s;

/**
 * Throws E_REFUSED unless these are what a receiving `rsync --server` gets that writes below the
 * root, and keeps what is unfinished in the run's own folder.
 */
export function checkRsyncArguments(args: readonly string[], folders: Folders) {
  const [first, ...flags] = args;
  if (first !== "--server") throw refused(`it must begin with "--server", not "${first}"`);
  if (sendsArguments(args)) {
    const surplus = flags.find((flag) => !bundle.test(flag));
    if (surplus !== undefined) throw refused(`"${surplus}" belongs into the stream`);
    return;
  }
  checkWords(flags, folders);
}

/** Whether the arguments follow within the stream (rsync's --secluded-args). */
export function sendsArguments(args: readonly string[]): boolean {
  return args.some((flag) => bundle.test(flag) && flag.replace(/e.*/, "").includes("s"));
}

/** Checks what follows within the stream: the program's name, then its arguments. */
export function checkStreamedArguments(words: readonly string[], folders: Folders) {
  const [program, ...flags] = words;
  if (program !== "rsync") throw refused(`it is to run "${program}"`);
  checkWords(flags, folders);
}

function checkWords(words: readonly string[], folders: Folders) {
  const end = words.indexOf(".");
  if (end < 0) throw refused("it names no destination");
  checkFlags(words.slice(0, end), folders);
  const targets = words.slice(end + 1);
  const [target = ""] = targets;
  if (targets.length !== 1) throw refused(`it names ${targets.length} destinations`);
  if (!isBelow(target, folders.root)) throw refused(`"${target}" is not below "${folders.root}"`);
}

function checkFlags(flags: readonly string[], { root, temporary }: Folders) {
  if (!safePathPart(temporary)) throw refused(`"${temporary}" is no name for a folder`);
  const own = join(root, temporary);
  const rest = flags[Symbol.iterator]();
  for (const flag of rest) {
    const { name, path = name && rest.next().value } = folderFlag.exec(flag)?.groups ?? {};
    if (name === undefined) {
      if (bundle.test(flag) || plain.some((pattern) => pattern.test(flag))) continue;
      throw refused(`"${flag}" is not allowed`);
    }
    if (path === undefined || !isBelow(path, own)) {
      throw refused(`"${path}" of --${name} is not below "${own}"`);
    }
  }
}

/** The folder itself, or what is below it; by its text, as nothing of ours is a link. */
function isBelow(path: string, folder: string): boolean {
  const parts = path.split("/");
  if (path.includes("\0") || parts.includes("..")) return false;
  const given = normalize(`${path}/`);
  return given.startsWith(normalize(`${folder}/`));
}

function refused(why: string): MigrationError {
  return new MigrationError("E_REFUSED", `Cannot run this rsync: ${why}`, {
    hint: "Both ends must be of one version; start the migration again",
  });
}
