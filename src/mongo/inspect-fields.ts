import { bsonTypes, elementsOf, type RawElement } from "./bson-walk.ts";

export interface FieldShape {
  /** Names joined by dots; `[]` is an array's element, `<key>` one of the many names of a map. */
  path: string;
  /** How often each BSON type was seen. */
  types: Record<string, number>;
  /** The share of the documents that have it. */
  frequency: number;
}

interface Sums {
  types: Map<string, number>;
  documents: number;
  /** The last document that was counted. */
  last: number;
}

interface Node {
  sums: Sums;
  /** By the name as it is shown. */
  children: Map<string, Node>;
}

const deepest = 8;
/** A place with more names than this is a map: the names are data there. */
const mostNames = 60;
const mapKey = "<key>";
const arrayElement = "[]";
/** A name that a programmer gives a field, rather than a number, an id, a date or words. */
const fieldName = /^[A-Za-z_$][A-Za-z0-9_$-]{0,47}$/;
const idLike = /\d{5,}|^[0-9a-f]{8}-|^[0-9a-f]{12,}$/i;

const typeNames = new Map<number, string>(
  Object.entries(bsonTypes).map(([name, type]) => [type, name]),
);

/** The fields of some documents: names, types and frequency, and nothing of any value. */
export function describeFields(documents: readonly Buffer[]): FieldShape[] {
  const root = newNode();
  for (const [index, document] of documents.entries()) {
    addDocument(root, document, { index, depth: 0 });
  }
  const shapes: FieldShape[] = [];
  list(root, "", { shapes, total: documents.length });
  return shapes;
}

interface Place {
  /** Which document. */
  index: number;
  depth: number;
}

function addDocument(node: Node, document: Buffer, place: Place, inArray = false) {
  for (const element of elementsOf(document)) {
    const name = inArray ? arrayElement : shownName(node, element);
    const child = node.children.get(name) ?? newNode();
    node.children.set(name, child);
    count(child.sums, element.type, place.index);
    const isArray = element.type === bsonTypes.array;
    if (!isArray && element.type !== bsonTypes.document) continue;
    if (place.depth >= deepest) continue;
    addDocument(child, element.bytes, { ...place, depth: place.depth + 1 }, isArray);
    if (child.children.size > mostNames) collapse(child);
  }
}

function shownName(node: Node, { key }: RawElement): string {
  const name = key.toString("utf8");
  const isMap = node.children.has(mapKey) && !node.children.has(name);
  return isMap || !fieldName.test(name) || idLike.test(name) ? mapKey : name;
}

/** Makes one of all names. */
function collapse(node: Node) {
  const all = newNode();
  for (const child of node.children.values()) merge(all, child);
  node.children.clear();
  node.children.set(mapKey, all);
}

function merge(into: Node, from: Node) {
  for (const [type, times] of from.sums.types) {
    into.sums.types.set(type, (into.sums.types.get(type) ?? 0) + times);
  }
  into.sums.documents = Math.max(into.sums.documents, from.sums.documents);
  into.sums.last = Math.max(into.sums.last, from.sums.last);
  for (const [name, child] of from.children) {
    const known = into.children.get(name) ?? newNode();
    into.children.set(name, known);
    merge(known, child);
  }
}

function count(sums: Sums, type: number, index: number) {
  const name = typeNames.get(type) ?? String(type);
  sums.types.set(name, (sums.types.get(name) ?? 0) + 1);
  if (sums.last === index) return;
  sums.last = index;
  sums.documents += 1;
}

function list(node: Node, prefix: string, into: { shapes: FieldShape[]; total: number }) {
  for (const [name, child] of node.children) {
    const path = joined(prefix, name);
    const { types, documents } = child.sums;
    const frequency = Math.round((documents / into.total) * 1000) / 1000;
    into.shapes.push({ path, types: Object.fromEntries(types), frequency });
    list(child, path, into);
  }
}

function joined(prefix: string, name: string): string {
  return prefix === "" || name === arrayElement ? prefix + name : `${prefix}.${name}`;
}

function newNode(): Node {
  return { sums: { types: new Map(), documents: 0, last: -1 }, children: new Map() };
}
