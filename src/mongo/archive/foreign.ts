import { MigrationError } from "../../core/errors.ts";
import { parseMetadata, unescapeCollectionName } from "../metadata.ts";
import { bucketsOf, completeIndex } from "../source-catalog.ts";
import type { Container } from "./container.ts";
import type { ArchivedCollection, Contents } from "./contents.ts";
import { damaged } from "./damage.ts";
import { readWhole } from "./read-entry.ts";

const mostMetadataBytes = 64 * 1024 * 1024;
/** Files of mongodump that hold nothing of a collection. */
const sideFiles = new Set(["prelude.json", "prelude.json.gz"]);
const documentsEnding = /\.bson(\.gz)?$/;
const metadataEnding = /\.metadata\.json(\.gz)?$/;

interface Files {
  documents?: string;
  metadata?: string;
}

/** What a dump made by mongodump holds; counts come with the check. */
export async function describeForeign(container: Container, database?: string): Promise<Contents> {
  const found = groupFiles(container);
  const name = database ?? onlyDatabase([...found.keys()], container.path);
  const files = found.get(name);
  if (files === undefined) {
    throw new MigrationError("E_SCOPE", `"${container.path}" holds no database "${name}"`, {
      hint: `It holds: ${[...found.keys()].join(", ")}`,
    });
  }
  const collections: ArchivedCollection[] = [];
  for (const [stem, { documents, metadata }] of files) {
    if (isBuckets(stem, files)) continue;
    collections.push(await describe(container, { stem, documents, metadata, files }));
  }
  return { database: name, collections, expected: new Map() };
}

function groupFiles(container: Container): Map<string, Map<string, Files>> {
  const databases = new Map<string, Map<string, Files>>();
  for (const name of container.entries.keys()) {
    const parts = name.split("/");
    const file = parts.at(-1) ?? "";
    if (sideFiles.has(file)) continue;
    const database = parts.at(-2) ?? lastFolder(container.path);
    const files = databases.get(database) ?? new Map<string, Files>();
    databases.set(database, files);
    addFile(files, { name, file, path: container.path });
  }
  return databases;
}

function addFile(
  files: Map<string, Files>,
  { name, file, path }: { name: string; file: string; path: string },
) {
  const isDocuments = documentsEnding.test(file);
  if (!(isDocuments || metadataEnding.test(file)) || file.startsWith("oplog.")) {
    throw new MigrationError("E_INTEGRITY", `The dump "${path}" holds the unexpected "${name}"`, {
      hint: "Make the dump with mongodump --db and without --oplog, or remove that file",
    });
  }
  const stem = file.replace(isDocuments ? documentsEnding : metadataEnding, "");
  files.set(stem, { ...files.get(stem), [isDocuments ? "documents" : "metadata"]: name });
}

function onlyDatabase(names: string[], path: string): string {
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  const list = names.join(", ") || "none";
  throw new MigrationError("E_SCOPE", `Cannot tell which database of "${path}" is meant: ${list}`, {
    hint: "Give a dump of one database",
  });
}

const bucketsPrefix = bucketsOf("");

/** Time series data, which belongs to the metadata of the plain name. */
function isBuckets(stem: string, files: ReadonlyMap<string, Files>): boolean {
  return stem.startsWith(bucketsPrefix) && files.has(stem.slice(bucketsPrefix.length));
}

async function describe(
  container: Container,
  given: {
    stem: string;
    documents: string | undefined;
    metadata: string | undefined;
    files: ReadonlyMap<string, Files>;
  },
): Promise<ArchivedCollection> {
  const { stem, metadata, files } = given;
  // A name that was cut off is no valid escape; then only the metadata has the whole.
  const plain = unescapeCollectionName(stem);
  if (metadata === undefined) {
    if (plain === undefined) throw damaged(container.path, `the file name "${stem}"`);
    return collection(plain, { type: "collection", options: {}, indexes: [] }, given.documents);
  }
  const json = await readWhole(container, metadata, mostMetadataBytes);
  const parsed = parseMetadata(json, plain ?? stem);
  const buckets = files.get(bucketsPrefix + stem)?.documents;
  const indexes = parsed.indexes.map((index) => completeIndex(index, parsed.options));
  return collection(parsed.collectionName, { ...parsed, indexes }, given.documents ?? buckets);
}

function collection(
  name: string,
  { type, options, indexes }: { type: string } & Pick<ArchivedCollection, "options" | "indexes">,
  entry: string | undefined,
): ArchivedCollection {
  const known = type === "view" || type === "timeseries" ? type : "collection";
  const empty = { documents: 0, bytes: 0, ...(entry === undefined ? {} : { entry }) };
  return { name, type: known, options, indexes, ...empty };
}

function lastFolder(path: string): string {
  return path.replace(/\/+$/, "").split("/").at(-1) ?? "";
}
