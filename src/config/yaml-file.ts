import { readFile } from "node:fs/promises";
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import { codeOf, MigrationError } from "../core/errors.ts";
import {
  checkShape,
  type Located,
  malformed,
  type Parsed,
  type Shape,
  tryOrExplain,
} from "./shape.ts";

/** Reads a YAML or JSON file of a shape; all problems are told at once, with line and column. */
export async function readYamlFile<T>(path: string, shape: Shape<T>): Promise<T> {
  return parseYaml(await readText(path, shape), path, shape);
}

export async function readText<T>(path: string, shape: Shape<T>): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new MigrationError(shape.code, `Cannot read the ${shape.what} "${path}"`, {
      cause: error,
      hint: codeOf(error) === "ENOENT" ? "There is no such file" : `${codeOf(error)}`,
    });
  }
}

/** As `readYamlFile`, of a text; `name` stands for it in the messages. */
export function parseYaml<T>(text: string, name: string, shape: Shape<T>): T {
  return checkShape(readYaml(text, name, shape), name, shape);
}

/** The value of a YAML text, which may yet be of any shape. */
export function readYaml<T>(text: string, name: string, shape: Shape<T>): Parsed {
  const lines = new LineCounter();
  const document = tryOrExplain(
    () => parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" }),
    shape,
    name,
  );
  // A warning is a tag that means nothing here: what stands there is not what was meant.
  const syntax = [...document.errors, ...document.warnings].map((error) =>
    place(lines, error.pos[0], error.message),
  );
  syntax.push(...keyProblems(document, lines));
  if (syntax.length > 0) throw malformed(shape, name, syntax);
  const value = tryOrExplain(() => document.toJS({ maxAliasCount: 100 }), shape, name);
  return {
    value,
    placeOf(path) {
      const { line, col } = lines.linePos(offsetOf(document.contents, path));
      return { line, column: col };
    },
  };
}

/** Objects drop a prototype without a word, and make a text of a list or map, which may be huge. */
function keyProblems(document: Document, lines: LineCounter): Located[] {
  const found: Located[] = [];
  visit(document, {
    Pair(_, { key }) {
      if (isNode(key) && !isScalar(key)) {
        found.push(place(lines, startOf(key), "A key must be a text"));
      } else if (keyText(key) === "__proto__") {
        found.push(place(lines, startOf(key), "__proto__ cannot be a key"));
      }
    },
  });
  return found;
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
