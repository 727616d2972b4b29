import { type ErrorCode, MigrationError } from "../../core/errors.ts";
import { noExactReader, noGnuTar, noRoot } from "./scripts.ts";

/** What the C library says in the language "C" for the errors that are told apart. */
const systemWords: Record<string, string> = {
  "No space left on device": "ENOSPC",
  "Disk quota exceeded": "EDQUOT",
  "Permission denied": "EACCES",
  "Operation not permitted": "EPERM",
  "Read-only file system": "EROFS",
  "No such file or directory": "ENOENT",
  "Not a directory": "ENOTDIR",
  "Is a directory": "EISDIR",
  "Directory not empty": "ENOTEMPTY",
  "Device or resource busy": "EBUSY",
  "File name too long": "ENAMETOOLONG",
  "Too many levels of symbolic links": "ELOOP",
  "Input/output error": "EIO",
  "Stale file handle": "ESTALE",
};

/** The system's code in what a tool said, as tools tell it in words alone. */
export function systemCode(words: string): string | undefined {
  const line = words.trim().split("\n").at(-1) ?? "";
  const known = Object.keys(systemWords).find((text) => line.endsWith(text));
  return known === undefined ? undefined : systemWords[known];
}

const codes: Record<string, { code: ErrorCode; hint: string }> = {
  ENOSPC: { code: "E_NO_SPACE", hint: "Make the volume larger, then start again" },
  EDQUOT: { code: "E_NO_SPACE", hint: "Raise the quota, then start again" },
  EACCES: { code: "E_PERMISSION", hint: "Name a pod whose user may write to the volume" },
  EPERM: { code: "E_PERMISSION", hint: "Name a pod whose user may do that" },
  EROFS: { code: "E_PERMISSION", hint: "Name a pod that mounts the volume for writing" },
  ENOENT: { code: "E_FOLDER", hint: "Check that the volume is still mounted there" },
  ENOTDIR: { code: "E_FOLDER", hint: "Check what is mounted there" },
};

const notFound = 127;

/** Why a script of ours failed, by the last that a tool said. */
export function toolError(what: string, exitCode: number, words: string): MigrationError {
  const said = words.trim().slice(-2000);
  const missing = /(?:^|: )([\w.-]+): (?:command )?not found$/m.exec(said)?.[1];
  if (exitCode === notFound || missing !== undefined) return missingTool(missing ?? "a tool");
  const { code, hint } = codes[systemCode(said) ?? ""] ?? {
    code: "E_PROGRAM" as const,
    hint: "See what the tool said; another pod may have better ones",
  };
  const reason = said === "" ? `code ${exitCode}` : said;
  return new MigrationError(code, `The destination's pod cannot ${what}: ${reason}`, { hint });
}

export function missingTool(names: string): MigrationError {
  return new MigrationError("E_PROGRAM", `The destination's pod has no ${names}`, {
    hint: "Name a pod whose image has it, or leave pod out of the network config: a pod of our own has all that is needed",
  });
}

/** The folder for unfinished things is something else. */
export function notUsable(folder: string, what: string): MigrationError {
  return new MigrationError("E_FOLDER", `"${folder}" in the destination's pod ${what}`, {
    hint: "Move away what is there, then start again",
  });
}

/** Ends of a program's script in which the program itself was not begun. */
export function explainEnd<T extends { exitCode: number; stderr: string }>(end: T): T {
  const { exitCode, stderr } = end;
  if (exitCode === noGnuTar) throw missingTool("GNU tar, the only one that keeps times and names");
  if (exitCode === noExactReader)
    throw missingTool("head or dd that reads no more than it is told");
  if (exitCode === noRoot) throw toolError("enter its folder", exitCode, stderr);
  return end;
}
