import type { z } from "zod";
import { type ErrorCode, MigrationError } from "../core/errors.ts";

export interface Problem {
  path: readonly PropertyKey[];
  message: string;
}

/** What a file must look like. */
export interface Shape<T> {
  code: ErrorCode;
  /** What the file is, for messages: "application description". */
  what: string;
  schema: z.ZodType<T>;
  /** Further checks of what fits the schema. */
  check?: (value: T) => Problem[];
}

/** A position in a file, or the flag that a value is of. */
type Place = { line: number; column: number } | { flag: string };

export type Located = Place & { text: string };

/** A text that was read, and where in it the value at a path, or its nearest parent, begins. */
export interface Parsed {
  value: unknown;
  placeOf(path: readonly PropertyKey[]): Place;
}

/** What was read, if it is of the shape; otherwise all problems at once, with line and column. */
export function checkShape<T>(parsed: Parsed, name: string, shape: Shape<T>): T {
  const result = shape.schema.safeParse(parsed.value, { reportInput: true });
  const problems = result.success
    ? (shape.check?.(result.data) ?? [])
    : result.error.issues.flatMap(problemsOf);
  if (result.success && problems.length === 0) return result.data;
  const located = problems.map(({ path, message }) => {
    const text = path.length > 0 ? `${path.map(String).join(".")}: ${message}` : message;
    return { ...parsed.placeOf(path), text };
  });
  throw malformed(shape, name, located);
}

export function malformed<T>(shape: Shape<T>, name: string, problems: Located[]): MigrationError {
  const texts = [...new Set([...problems].sort(byPlace).map((one) => textOf(one, name)))];
  const count = texts.length === 1 ? "1 problem" : `${texts.length} problems`;
  return new MigrationError(shape.code, `The ${shape.what} "${name}" has ${count}`, {
    hint: "Correct the file; nothing was written",
    fields: { problems: texts },
  });
}

function byPlace(a: Place, b: Place): number {
  if ("flag" in a || "flag" in b) return Number("flag" in b) - Number("flag" in a);
  return a.line - b.line || a.column - b.column;
}

function textOf(located: Located, name: string): string {
  if ("flag" in located) return `${located.flag}: ${located.text}`;
  return `${name}:${located.line}:${located.column}: ${located.text}`;
}

/** Runs a parser; what it throws is a problem of the file. */
export function tryOrExplain<T, R>(work: () => R, shape: Shape<T>, name: string): R {
  try {
    return work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw malformed(shape, name, [{ line: 1, column: 1, text: message }]);
  }
}

/** One unknown key is one problem, at the key itself; of a union the branch that fits best speaks. */
function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: "is not known here" }));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const best = [...issue.errors].sort((a, b) => weight(a) - weight(b))[0] ?? [];
    return best.flatMap((inner) =>
      problemsOf(inner).map(({ path, message }) => ({ path: [...issue.path, ...path], message })),
    );
  }
  return [{ path: issue.path, message: isMissing(issue) ? "is missing" : issue.message }];
}

function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === "invalid_type" && issue.input === undefined;
}

/** Keys that a branch does not know or misses tell more than what is wrong within its keys. */
function weight(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => {
    if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
      return sum + 100 * issue.keys.length;
    }
    return sum + (isMissing(issue) && issue.path.length === 1 ? 150 : 1);
  }, 0);
}
