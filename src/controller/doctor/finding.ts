import {
  type ErrorCode,
  type ExitCode,
  errorCodes,
  type MigrationError,
} from "../../core/errors.ts";

export type Severity = "ok" | "info" | "warning" | "error";

/** What one check found. */
export interface Finding {
  /** What was checked: "source.rights". */
  id: string;
  severity: Severity;
  /** The evidence, in one sentence. */
  seen: string;
  /** What one sentence has no room for: one line each. */
  details?: string[];
  /** What to do about it; may be several lines, as of a Role. */
  fix?: string;
  /** Of an error: what exit code it makes. */
  code?: ErrorCode;
}

type More = Pick<Finding, "fix" | "details">;

export function ok(id: string, seen: string, more: More = {}): Finding {
  return { id, severity: "ok", seen, ...more };
}

export function info(id: string, seen: string, more: More = {}): Finding {
  return { id, severity: "info", seen, ...more };
}

export function warning(id: string, seen: string, more: More = {}): Finding {
  return { id, severity: "warning", seen, ...more };
}

export function failed(id: string, code: ErrorCode, seen: string, more: More = {}): Finding {
  return { id, severity: "error", seen, ...more, code };
}

/** What kept a check from its answer, or is the answer: in the error's own words. */
export function fromError(id: string, { code, message, hint, fields }: MigrationError): Finding {
  const { problems } = fields;
  const details = Array.isArray(problems) ? problems.map(String) : [];
  return failed(id, code, message, {
    ...(details.length === 0 ? {} : { details }),
    ...(hint === undefined ? {} : { fix: hint }),
  });
}

/** A pod that does not start in time lacks something as well. */
const asResource: ReadonlySet<ExitCode> = new Set<ExitCode>([124]);

/** The worse ones first; what is not here is less bad than all of them. */
const worst: readonly ExitCode[] = [8, 6, 7, 5, 4, 2, 1];

/** Of the worst error among the findings; 0 where none is one. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const seen = new Set<ExitCode>();
  for (const { severity, code = "E_UNEXPECTED" } of findings) {
    if (severity !== "error") continue;
    const { exit } = errorCodes[code];
    seen.add(asResource.has(exit) ? 5 : exit);
  }
  return worst.find((code) => seen.has(code)) ?? [...seen][0] ?? 0;
}
