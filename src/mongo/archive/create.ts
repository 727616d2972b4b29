import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../../core/atomic-file.ts";
import { failpoint } from "../../core/failpoints.ts";
import { checkDirectory } from "./check-layout.ts";
import { damaged } from "./damage.ts";
import { crcText, type Digest } from "./digest.ts";
import { fingerprintOf, format, Manifest, type ManifestEntry, manifestName } from "./manifest.ts";
import type { CheckOptions } from "./open.ts";
import { readManifest } from "./open.ts";
import { readBack } from "./read-back.ts";
import { writeFailure } from "./write-at.ts";
import { openZip } from "./zip-container.ts";
import {
  type Compression,
  type EntryWriter,
  makeZipWriter,
  type WrittenEntry,
  type ZipWriter,
} from "./zip-writer.ts";

/** What the caller knows of an archive; the rest of the manifest comes from what was written. */
type ArchiveDescription = Omit<Manifest, "format" | "body" | "entries">;

interface WrittenArchive {
  path: string;
  /** Tells its content apart from that of others. */
  fingerprint: string;
  /** SHA-256 of the manifest, which vouches for everything else. */
  manifestSha256: string;
  /** The size of the file. */
  bytes: number;
}

/** An archive in the making: everything goes to `<path>.tmp` until `finish` has proved it. */
export interface ArchiveWriter {
  /** The file while it is made. */
  readonly temporary: string;
  begin(name: string): EntryWriter;
  /** Adds a small entry at once. */
  add(name: string, content: Buffer): Promise<Digest>;
  /** Takes the digest of an entry that `begin` began into the manifest. */
  list(name: string, digest: Digest): void;
  /** An entry that is whole. */
  written(name: string): WrittenEntry | undefined;
  /** Reads all of it back, adds the manifest, and gives it its name, durably. */
  finish(description: ArchiveDescription, options?: CheckOptions): Promise<WrittenArchive>;
  /** Removes what was written; without effect after `finish`. */
  discard(): Promise<void>;
}

/** Begins an archive; what an earlier attempt left is overwritten. */
export async function createArchive(
  path: string,
  compression: Compression,
): Promise<ArchiveWriter> {
  const temporary = `${path}.tmp`;
  const file = await openNew(temporary);
  failpoint("archive.afterMake");
  const zip = makeZipWriter(file, temporary);
  const digests = new Map<string, Digest>();
  let finished = false;

  function list(name: string, digest: Digest) {
    digests.set(name, digest);
  }

  async function add(name: string, content: Buffer) {
    const digest = await writeEntry(zip, name, content);
    list(name, digest);
    return digest;
  }

  return {
    temporary,
    begin: (name) => zip.begin(name, compression),
    add,
    list,
    written(name) {
      const [record, digest] = [zip.record(name), digests.get(name)];
      return record && digest && { record, digest };
    },
    async finish(description, options = {}) {
      failpoint("archive.beforeSeal");
      const bytes = zip.offset();
      // The disk works meanwhile: what is read back is in memory as yet.
      await Promise.all([
        syncAll(file, temporary),
        readBack({ file, path: temporary, pieces: zip.pieces() }, options.signal),
      ]);
      const entries = Array.from(digests, ([name, digest]) => {
        return listed(name, digest, zip.record(name)?.packedCrc32);
      });
      const manifest = Manifest.parse({ format, ...description, body: { bytes }, entries });
      const content = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
      await writeEntry(zip, manifestName, content);
      await zip.finish();
      await syncAll(file, temporary);
      failpoint("archive.afterSeal");
      await proveEnd(temporary, manifest, content);
      failpoint("archive.beforeRename");
      await rename(temporary, path);
      failpoint("archive.afterRename");
      await syncFolder(dirname(path));
      const { size } = await file.stat();
      finished = true;
      await file.close();
      const fingerprint = fingerprintOf(manifest);
      return { path, fingerprint, manifestSha256: sha256Of(content), bytes: size };
    },
    async discard() {
      if (finished) return;
      finished = true;
      await file.close();
      await rm(temporary, { force: true });
    },
  };
}

function listed(
  name: string,
  { bytes, crc32, sha256 }: Digest,
  packedCrc32 = crc32,
): ManifestEntry {
  return { name, bytes, crc32: crcText(crc32), sha256, packedCrc32: crcText(packedCrc32) };
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, "w+", 0o660);
  } catch (error) {
    throw writeFailure(path, error);
  }
}

async function syncAll(file: FileHandle, path: string) {
  try {
    await file.sync();
  } catch (error) {
    throw writeFailure(path, error);
  }
}

async function writeEntry(zip: ZipWriter, name: string, content: Buffer): Promise<Digest> {
  const entry = zip.begin(name, "store");
  await entry.write(content);
  return entry.end();
}

/** What comes behind the entries, as a reader finds it. */
async function proveEnd(path: string, manifest: Manifest, content: Buffer) {
  const zip = await openZip(path);
  try {
    if ((await readManifest(zip)) !== content.toString()) throw damaged(path, "its manifest");
    await checkDirectory(zip, manifest);
  } finally {
    await zip.close();
  }
}

function sha256Of(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
