import * as jsonc from "jsonc-parser";
import { LineCounter } from "yaml";
import { type Located, malformed, type Parsed, type Shape, tryOrExplain } from "./shape.ts";

/** The value of a JSON text that may have comments and trailing commas; of any shape yet. */
export function readJsonc<T>(text: string, name: string, shape: Shape<T>): Parsed {
  const place = placer(text);
  const errors: jsonc.ParseError[] = [];
  const root = tryOrExplain(
    () => jsonc.parseTree(withoutMark(text), errors, { allowTrailingComma: true }),
    shape,
    name,
  );
  const syntax = errors.map(({ offset, error }) => ({ ...place(offset), text: explain(error) }));
  if (root === undefined || syntax.length > 0) {
    throw malformed(shape, name, syntax.length > 0 ? syntax : [{ ...place(0), text: "is empty" }]);
  }
  const keys = keyProblems(root, place);
  if (keys.length > 0) throw malformed(shape, name, keys);
  return { value: jsonc.getNodeValue(root), placeOf: (path) => place(offsetOf(root, path)) };
}

/** A byte order mark becomes a space, so that every offset stays. */
function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? ` ${text.slice(1)}` : text;
}

type PlaceAt = (offset: number) => { line: number; column: number };

function placer(text: string): PlaceAt {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  return (offset) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
}

/** "CommaExpected" as people say it. */
function explain(error: jsonc.ParseErrorCode): string {
  const words = jsonc.printParseErrorCode(error).replace(/[A-Z]/g, (one) => ` ${one}`);
  const text = words.trim().toLowerCase();
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Of a key that is given twice one would be dropped without a word, as would a prototype. */
function keyProblems(root: jsonc.Node, place: PlaceAt): Located[] {
  const found: Located[] = [];
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const child of node.children ?? []) open.push(child);
    if (node.type === "object") found.push(...keyProblemsOf(node, place));
  }
  return found;
}

function keyProblemsOf({ children = [] }: jsonc.Node, place: PlaceAt): Located[] {
  const found: Located[] = [];
  const seen = new Set<unknown>();
  for (const { children: [key] = [] } of children) {
    if (key === undefined) continue;
    const at = place(key.offset);
    if (key.value === "__proto__") found.push({ ...at, text: "__proto__ cannot be a key" });
    else if (seen.has(key.value)) found.push({ ...at, text: "Map keys must be unique" });
    seen.add(key.value);
  }
  return found;
}

/** Where the value at a path, by its key, or else the nearest parent, begins in the text. */
function offsetOf(root: jsonc.Node, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parts = path.slice(0, length).map((part) => (typeof part === "symbol" ? "" : part));
    const node = jsonc.findNodeAtLocation(root, parts);
    if (node !== undefined)
      return node.parent?.type === "property" ? node.parent.offset : node.offset;
  }
  return root.offset;
}
