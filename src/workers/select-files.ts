import { relative } from "node:path";
import { type Application, type FilePattern, patternText } from "../config/application.ts";
import { safePathPart, safeRelativePath } from "../files/entry.ts";
import { lockFolderName } from "../files/lock-folder.ts";
import type { PathSpec, Selection } from "../files/selected-entries.ts";
import { bsonTypes, type RawValue } from "../mongo/bson-walk.ts";
import type { Scope } from "../plan/scope.ts";
import type { Row } from "./document-rows.ts";

/** A document whose id or owner cannot be a name in a path, so that its files are not looked for. */
export interface UnsafeDocument {
  collection: string;
  field: string;
}

export interface FileChoice {
  selection: Selection;
  unsafe: UnsafeDocument[];
}

export interface FileChoiceOptions {
  application: Application;
  scope: Scope;
  /** What is known of the documents; empty when the database could not be asked. */
  rows: ReadonlyMap<string, Row[]>;
  includePaths: readonly string[];
  sourceDir: string;
  workDir: string;
}

/** Turns a scope and its documents into concrete places below the root. */
export function selectFiles(options: FileChoiceOptions): FileChoice {
  const { application, scope, includePaths } = options;
  const { specs, unsafe } = documentPaths(application, options.rows);
  const excludePaths = ownFolders(options);
  const never = application.never.paths.filter((name) => !includePaths.includes(name));
  if (scope.kind === "server") {
    const selection = { kind: "tree" as const, exclude: never, excludePaths, owned: specs };
    return { selection, unsafe };
  }
  const folders = scopeFolders(application, scope, never);
  const paths = [...folders.specs, ...specs];
  return {
    selection: { kind: "paths", paths, excludePaths },
    unsafe: [...folders.unsafe, ...unsafe],
  };
}

/** The tool's own folders stay out even when the rest of `logs` is taken along. */
function ownFolders({ sourceDir, workDir }: FileChoiceOptions): Buffer[] {
  const inside = relative(sourceDir, workDir);
  const own = ["logs/migrations", "logs/migration", lockFolderName];
  if (inside !== "" && !/^(\.\.(\/|$)|\/)/.test(inside)) own.push(inside);
  return own.map((path) => Buffer.from(path));
}

/** A user's whole folder, unless it bears a name that is never taken as a whole. */
function scopeFolders(
  application: Application,
  scope: Exclude<Scope, { kind: "server" }>,
  never: readonly string[],
) {
  const specs: PathSpec[] = [];
  const unsafe: UnsafeDocument[] = [];
  const row: Row = new Map([[scope.kind, textValue(scope.value)]]);
  for (const pattern of application.scopes?.[scope.kind]?.directories ?? []) {
    const directory = expandPattern(pattern, row);
    if (typeof directory === "string") unsafe.push({ collection: scope.kind, field: directory });
    else if (!never.some((name) => directory.equals(Buffer.from(name)))) {
      specs.push({ directory, owned: true });
    }
  }
  return { specs, unsafe };
}

function documentPaths(application: Application, rows: ReadonlyMap<string, Row[]>) {
  const specs: PathSpec[] = [];
  const unsafe: UnsafeDocument[] = [];
  for (const [collection, ofCollection] of rows) {
    for (const pattern of application.collections[collection]?.files ?? []) {
      for (const row of ofCollection) {
        const path = expandPattern(patternText(pattern), row);
        if (typeof path === "string") unsafe.push({ collection, field: path });
        else specs.push(specOf(pattern, path));
      }
    }
  }
  return { specs, unsafe };
}

function specOf(pattern: FilePattern, path: Buffer): PathSpec {
  if ("directory" in pattern) return { directory: path, owned: true };
  return "prefix" in pattern ? { prefix: path, owned: true } : { file: path, owned: true };
}

/**
 * The path that a pattern means for one document, as bytes, or the name of the field whose value
 * is absent, or makes no name: values come from other people and must never leave their place.
 */
export function expandPattern(pattern: string, row: Row): Buffer | string {
  const parts: Buffer[] = [];
  let end = 0;
  let last: string | undefined;
  for (const match of pattern.matchAll(/\{([^{}]+)\}/g)) {
    const field = match[1] ?? "";
    const value = pathText(row.get(field));
    if (value === undefined || !safePathPart(value)) return field;
    parts.push(Buffer.from(pattern.slice(end, match.index)), value);
    end = match.index + match[0].length;
    last = field;
  }
  parts.push(Buffer.from(pattern.slice(end)));
  const path = Buffer.concat(parts);
  // With what stands around it a value may be longer than any name.
  return safeRelativePath(path) ? path : (last ?? path);
}

/** An id as applications write it into a path: text as it is, ObjectIds as hex, integers as digits. */
function pathText(value: RawValue | undefined): Buffer | undefined {
  switch (value?.type) {
    case bsonTypes.string:
      return value.bytes.subarray(4, -1);
    case bsonTypes.objectId:
      return Buffer.from(value.bytes.toString("hex"));
    case bsonTypes.int32:
      return Buffer.from(String(value.bytes.readInt32LE()));
    case bsonTypes.int64:
      return Buffer.from(String(value.bytes.readBigInt64LE()));
    default:
      return undefined;
  }
}

function textValue(text: string): RawValue {
  return {
    type: bsonTypes.string,
    bytes: Buffer.concat([Buffer.alloc(4), Buffer.from(text), Buffer.of(0)]),
  };
}
