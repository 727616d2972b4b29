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

export interface RsyncComplaint {
  /** As rsync names it: absolute, or relative to one of the roots. */
  path: Buffer;
  reason: string;
  errno: number;
}

/** The lines of standard error that name a file and an error number. */
export function parseComplaints(stderr: string): RsyncComplaint[] {
  const complaints: RsyncComplaint[] = [];
  for (const line of stderr.split("\n")) {
    const found = /^rsync: (.*?)"(.*)"(.*): ([^:]*) \((\d{1,4})\)$/.exec(line);
    if (found === null) continue;
    const [, , path = "", , reason = "", errno = ""] = found;
    complaints.push({ path: fromOctal(path), reason, errno: Number(errno) });
  }
  return complaints;
}

/** rsync writes bytes that are not printable as `\#` and three octal digits. */
function fromOctal(text: string): Buffer {
  const plain = text.replace(/\\#([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(plain, "latin1");
}

const errnoNoSpace = 28;
const errnoQuota = 122;

export function saysNoSpace(complaints: readonly { errno: number }[]): boolean {
  return complaints.some(({ errno }) => errno === errnoNoSpace || errno === errnoQuota);
}
