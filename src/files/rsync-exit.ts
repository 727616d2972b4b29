import type { ErrorCode } from "../core/errors.ts";

interface ExitMeaning {
  meaning: string;
  code: ErrorCode;
  hint: string;
}

const look = "See the lines of rsync in the log";
const again = "Start the migration again: it goes on where it stopped";

/** rsync's documented exit codes, as this tool treats them. 0, 23 and 24 are looked at file by file. */
export const rsyncExits: Record<number, ExitMeaning> = {
  1: { meaning: "syntax or usage error", code: "E_UNEXPECTED", hint: look },
  2: { meaning: "protocol incompatibility", code: "E_VERSION", hint: "Use one version of rsync" },
  3: { meaning: "errors selecting input or output files", code: "E_FOLDER", hint: look },
  4: { meaning: "requested action not supported", code: "E_PROGRAM", hint: look },
  5: { meaning: "error starting client-server protocol", code: "E_PROGRAM", hint: look },
  6: { meaning: "daemon unable to append to log file", code: "E_PROGRAM", hint: look },
  10: { meaning: "error in socket I/O", code: "E_UNAVAILABLE", hint: again },
  11: { meaning: "error in file I/O", code: "E_PROGRAM", hint: "Check the volumes, and try again" },
  12: { meaning: "error in rsync protocol data stream", code: "E_UNAVAILABLE", hint: again },
  13: { meaning: "errors with program diagnostics", code: "E_PROGRAM", hint: look },
  14: { meaning: "error in IPC code", code: "E_PROGRAM", hint: look },
  19: { meaning: "received SIGUSR1", code: "E_INTERRUPTED", hint: again },
  20: { meaning: "received SIGINT, SIGTERM or SIGHUP", code: "E_INTERRUPTED", hint: again },
  21: { meaning: "some error returned by waitpid()", code: "E_PROGRAM", hint: look },
  22: { meaning: "error allocating core memory", code: "E_PROGRAM", hint: "Give it more memory" },
  23: { meaning: "partial transfer due to error", code: "E_PROGRAM", hint: look },
  24: { meaning: "partial transfer due to vanished source files", code: "E_PROGRAM", hint: look },
  25: { meaning: "the --max-delete limit stopped deletions", code: "E_UNEXPECTED", hint: look },
  30: { meaning: "timeout in data send/receive", code: "E_UNAVAILABLE", hint: again },
  35: { meaning: "timeout waiting for daemon connection", code: "E_UNAVAILABLE", hint: again },
};

export function rsyncExit(exitCode: number): ExitMeaning {
  return (
    rsyncExits[exitCode] ?? { meaning: "not documented by rsync", code: "E_PROGRAM", hint: look }
  );
}

/**
 * Codes of an rsync that lost its other end, or was ended itself: whatever it was sending may be
 * sent again.
 */
export function isBrokenExit(exitCode: number): boolean {
  return [10, 12, 19, 20, 30, 35].includes(exitCode) || exitCode >= 128;
}

/** What only rsync can read: Node.js has no call for it. */
export type Attribute = "ACL" | "extended attributes";

export interface RsyncComplaint {
  /** As rsync names it: absolute, or relative to one of the roots. */
  path: Buffer;
  reason: string;
  errno: number;
  /** What could not be set; the path is then that of a file in the making, which is gone. */
  attribute?: Attribute;
}

// The ending is looked for by itself: a path may hold so many quotes, colons and commas that one
// pattern for the whole line would try all their combinations.
const ending = /: (?<reason>[^:]*) \((?<errno>\d{1,4})\)$/;
const ofFile = /^rsync: [^"]*"(?<path>.*)"/;
const ofAttribute =
  /^rsync: (?:\[\w+\] )?(?<call>set_acl|rsync_xal_set): \w+\((?<quoted>.*),[^,]*\)(?: failed)?$/;

/** The lines of standard error that name a file and an error number. */
export function parseComplaints(stderr: string): RsyncComplaint[] {
  return stderr.split("\n").flatMap((line) => parseComplaint(line) ?? []);
}

function parseComplaint(line: string): RsyncComplaint | undefined {
  const end = ending.exec(line);
  if (end === null) return undefined;
  const { reason = "", errno = "" } = end.groups ?? {};
  const start = line.slice(0, end.index);
  const { call, quoted, path } = (ofAttribute.exec(start) ?? ofFile.exec(start))?.groups ?? {};
  const complaint = { reason, errno: Number(errno) };
  if (quoted !== undefined) {
    const attribute = call === "set_acl" ? "ACL" : "extended attributes";
    return { path: fromOctal(quoted.replace(/^"+|"+$/g, "")), ...complaint, attribute };
  }
  return path === undefined ? undefined : { path: fromOctal(path), ...complaint };
}

/** rsync writes bytes that are not printable as `\#` and three octal digits. */
export function fromOctal(text: string): Buffer {
  const plain = text.replace(/\\#([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(plain, "latin1");
}

const errnoNoSpace = 28;
const errnoQuota = 122;

/** An attribute that is too large for its file is told so too, on a volume that is not full. */
export function saysNoSpace(complaints: readonly RsyncComplaint[]): boolean {
  return complaints.some(
    ({ errno, attribute }) =>
      attribute === undefined && (errno === errnoNoSpace || errno === errnoQuota),
  );
}
