import { BSON, type Document } from "mongodb";
import type { CollectionSpec } from "./database.ts";
import { indexText, isIdIndex } from "./prepare-collection-indexes.ts";
import { comparableOptions } from "./prepare-collection-options.ts";

/** Something of a collection that is at the destination not as it is at the source. */
export interface Difference {
  collection: string;
  what: "type" | "option" | "index";
  name: string;
  /** `missing` and `differs`: the destination keeps its own; `extra`: only the destination has it;
   * `refused`: the destination's server does not take it; `obsolete-option`: left out on purpose. */
  note: "missing" | "differs" | "extra" | "refused" | "obsolete-option";
  /** Both as relaxed Extended JSON, where there is one. */
  source?: string;
  destination?: string;
  reason?: string;
}

interface Side {
  spec: CollectionSpec;
  indexes: readonly Document[];
}

/** Compares what is beside the documents. */
export function differencesOf(source: Side, destination: Side): Difference[] {
  const collection = source.spec.name;
  if (source.spec.type !== destination.spec.type) {
    const both = { source: source.spec.type, destination: destination.spec.type };
    return [{ collection, what: "type", name: "type", note: "differs", ...both }];
  }
  const options = compareTexts(optionTexts(source.spec), optionTexts(destination.spec));
  const indexes = compareTexts(indexTexts(source.indexes), indexTexts(destination.indexes));
  return [
    ...options.map((found) => ({ collection, what: "option" as const, ...found })),
    ...indexes.map((found) => ({ collection, what: "index" as const, ...found })),
  ];
}

function optionTexts(spec: CollectionSpec): Map<string, string> {
  const options = Object.entries(comparableOptions(spec));
  return new Map(options.map(([name, value]) => [name, optionText(value)]));
}

function optionText(value: unknown): string {
  return BSON.EJSON.stringify({ value }, { relaxed: true });
}

function indexTexts(indexes: readonly Document[]): Map<string, string> {
  const others = indexes.filter((index) => !isIdIndex(index));
  return new Map(others.map((index) => [String(index["name"]), indexText(index)]));
}

function compareTexts(source: Map<string, string>, destination: Map<string, string>) {
  const found: Pick<Difference, "name" | "note" | "source" | "destination">[] = [];
  for (const [name, text] of source) {
    const other = destination.get(name);
    if (other === undefined) found.push({ name, note: "missing", source: text });
    else if (other !== text) {
      found.push({ name, note: "differs", source: text, destination: other });
    }
  }
  for (const [name, text] of destination) {
    if (!source.has(name)) found.push({ name, note: "extra", destination: text });
  }
  return found;
}
