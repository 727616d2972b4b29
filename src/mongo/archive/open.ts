import { stat } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { MigrationError } from "../../core/errors.ts";
import type { Report } from "../../core/progress.ts";
import type { RawBatch } from "../bson-walk.ts";
import { checkContents } from "./check.ts";
import { checkLayout } from "./check-layout.ts";
import type { Container } from "./container.ts";
import { type ArchivedCollection, type Contents, contentsOf } from "./contents.ts";
import { damaged } from "./damage.ts";
import { openFolder } from "./folder-container.ts";
import { describeForeign } from "./foreign.ts";
import { type Manifest, manifestName, parseManifest } from "./manifest.ts";
import { readDocuments } from "./read-documents.ts";
import { readWhole } from "./read-entry.ts";
import { openZip, type ZipContainer } from "./zip-container.ts";

/** An opened backup. Its files stay open: what is read is what was checked. */
export interface Archive {
  readonly path: string;
  readonly database: string;
  /** Absent for a dump of mongodump. */
  readonly manifest: Manifest | undefined;
  /** In the archive's order; for a dump of mongodump the counts are 0 before the check. */
  collections(): readonly ArchivedCollection[];
  /** Reads all of it, and throws E_INTEGRITY on the first thing that is not as it must be. */
  check(options?: CheckOptions): Promise<void>;
  /**
   * The documents of an entry in batches of at most 2,000 and 4 MB (a larger one comes alone). Ends
   * with E_INTEGRITY if the bytes are not those of the manifest, or of the check.
   */
  read(entry: string): AsyncIterable<RawBatch>;
  close(): Promise<void>;
}

export interface CheckOptions {
  signal?: AbortSignal;
  report?: Report;
}

export interface OpenOptions {
  /** Accept dumps of mongodump as well: a folder, or a zip file of it. */
  allowForeign?: boolean;
  /** The database of a dump that holds several. */
  database?: string;
}

const mostManifestBytes = 256 * 1024 * 1024;

/** Opens an archive of this program; a dump of mongodump only where that is allowed. */
export async function openArchive(path: string, options: OpenOptions = {}): Promise<Archive> {
  if (options.allowForeign && (await isFolder(path))) {
    const folder = await openFolder(path);
    return closingOnError(folder, async () =>
      makeArchive(folder, await describeForeign(folder, options.database)),
    );
  }
  const zip = await openZip(path);
  return closingOnError(zip, () => openZipArchive(zip, options));
}

async function openZipArchive(zip: ZipContainer, options: OpenOptions): Promise<Archive> {
  if (zip.entries.has(manifestName)) {
    const manifest = parseManifest(await readManifest(zip), zip.path);
    return makeArchive(zip, contentsOf(manifest), { manifest, zip });
  }
  if (options.allowForeign) return makeArchive(zip, await describeForeign(zip, options.database));
  throw new MigrationError("E_INTEGRITY", `The archive "${zip.path}" has no manifest`, {
    hint: "Make the backup again, or allow dumps of mongodump if it is one",
  });
}

/** The manifest vouches for all other entries; for itself there is only the CRC-32. */
export async function readManifest(zip: ZipContainer): Promise<string> {
  const content = await readWhole(zip, manifestName, mostManifestBytes);
  const record = zip.records.find(({ name }) => name === manifestName);
  if (record?.crc32 !== crc32(content)) throw damaged(zip.path, "its manifest");
  return content.toString("utf8");
}

function makeArchive(
  container: Container,
  contents: Contents,
  ours?: { manifest: Manifest; zip: ZipContainer },
): Archive {
  let checked = false;
  return {
    path: container.path,
    database: contents.database,
    manifest: ours?.manifest,
    collections: () => contents.collections,
    async check(options = {}) {
      if (ours !== undefined) await checkLayout(ours.zip, ours.manifest, options.signal);
      await checkContents(container, contents, options);
      checked = true;
    },
    read: (entry) => readDocuments(container, contents, { entry, checked }),
    close: () => container.close(),
  };
}

async function closingOnError<T>(container: Container, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await container.close();
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path, { throwIfNoEntry: false });
  return stats?.isDirectory() ?? false;
}
