import { readFile } from "node:fs/promises";
import {
  type Document,
  isMap,
  isNode,
  isPair,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import type { z } from "zod";
import { codeOf, type ErrorCode, MigrationError } from "../core/errors.ts";

interface Problem {
  path: readonly PropertyKey[];
  message: string;
}

export interface Shape<T> {
  code: ErrorCode;
  /** What the file is, for messages: "application description". */
  what: string;
  schema: z.ZodType<T>;
  /** Further checks of what fits the schema. */
  check?: (value: T) => Problem[];
}

/** Reads a YAML or JSON file of a shape; all problems are told at once, with line and column. */
export async function readYamlFile<T>(path: string, shape: Shape<T>): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new MigrationError(shape.code, `Cannot read the ${shape.what} "${path}"`, {
      cause: error,
      hint: codeOf(error) === "ENOENT" ? "There is no such file" : `${codeOf(error)}`,
    });
  }
  return parseYaml(text, path, shape);
}

/** As `readYamlFile`, of a text; `name` stands for it in the messages. */
export function parseYaml<T>(text: string, name: string, shape: Shape<T>): T {
  const lines = new LineCounter();
  const document = tryOrExplain(
    () => parseDocument(text, { lineCounter: lines, prettyErrors: false }),
    shape,
    name,
  );
  // A warning is a tag that means nothing here: what stands there is not what was meant.
  const syntax = [...document.errors, ...document.warnings].map((error) =>
    place(lines, error.pos[0], error.message),
  );
  syntax.push(...prototypeKeys(document, lines));
  if (syntax.length > 0) throw malformed(shape, name, syntax);
  const value = tryOrExplain(() => document.toJS({ maxAliasCount: 100 }), shape, name);
  const result = shape.schema.safeParse(value, { reportInput: true });
  const problems = result.success
    ? (shape.check?.(result.data) ?? [])
    : result.error.issues.flatMap(problemsOf);
  if (result.success && problems.length === 0) return result.data;
  const located = problems.map(({ path, message }) => {
    const text = path.length > 0 ? `${path.map(String).join(".")}: ${message}` : message;
    return place(lines, offsetOf(document.contents, path), text);
  });
  throw malformed(shape, name, located);
}

/** Objects drop such a key without a word. */
function prototypeKeys(document: Document, lines: LineCounter): Located[] {
  const found: Located[] = [];
  visit(document, {
    Pair(_, { key }) {
      if (keyText(key) !== "__proto__") return;
      found.push(place(lines, startOf(key), "__proto__ cannot be a key"));
    },
  });
  return found;
}

function tryOrExplain<T, R>(work: () => R, shape: Shape<T>, name: string): R {
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
  const isMissing = issue.code === "invalid_type" && issue.input === undefined;
  return [{ path: issue.path, message: isMissing ? "is missing" : issue.message }];
}

function weight(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? 2 : 3), 0);
}

interface Located {
  line: number;
  column: number;
  text: string;
}

function place(lines: LineCounter, offset: number, text: string): Located {
  const { line, col } = lines.linePos(offset);
  return { line, column: col, text };
}

/** Where the node at a path, or its key, or else the nearest parent, begins in the text. */
function offsetOf(root: unknown, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = startOf(root);
  for (const part of path) {
    const pair = isMap(node)
      ? node.items.find((item) => isPair(item) && keyText(item.key) === String(part))
      : undefined;
    if (pair !== undefined) {
      offset = startOf(pair.key);
      node = pair.value;
      continue;
    }
    node = hasGet(node) ? node.get(part, true) : undefined;
    if (node === undefined) break;
    offset = startOf(node);
  }
  return offset;
}

function keyText(key: unknown): string {
  return isNode(key) && "value" in key ? String(key.value) : String(key);
}

function hasGet(node: unknown): node is Node & { get(key: unknown, keep: true): unknown } {
  return typeof node === "object" && node !== null && "get" in node;
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function malformed<T>(shape: Shape<T>, name: string, problems: Located[]): MigrationError {
  const sorted = problems.sort((a, b) => a.line - b.line || a.column - b.column);
  const texts = [...new Set(sorted.map((p) => `${name}:${p.line}:${p.column}: ${p.text}`))];
  const count = texts.length === 1 ? "1 problem" : `${texts.length} problems`;
  return new MigrationError(shape.code, `The ${shape.what} "${name}" has ${count}`, {
    hint: "Correct the file; nothing was written",
    fields: { problems: texts },
  });
}
