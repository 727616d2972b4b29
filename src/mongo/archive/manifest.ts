import { createHash } from "node:crypto";
import { z } from "zod";
import { MigrationError } from "../../core/errors.ts";

/** Format 1 had a hash of all bytes instead of a CRC-32 of each entry's packed ones. */
export const format = 2;

/** The last entry of an archive: what all others must be. */
export const manifestName = "manifest.json";

const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Crc = z.string().regex(/^[0-9a-f]{8}$/);
const Size = z.number().int().nonnegative();

const ManifestEntry = z.strictObject({
  name: z.string().min(1),
  /** Unpacked. */
  bytes: Size,
  crc32: Crc,
  sha256: Hash,
  /** Of the bytes as they lie in the archive. */
  packedCrc32: Crc,
});
export type ManifestEntry = z.infer<typeof ManifestEntry>;

const ManifestCollection = z.strictObject({
  name: z.string().min(1),
  type: z.enum(["collection", "view", "timeseries"]),
  uuid: z.string().optional(),
  /** The entry with the documents; a view has none. */
  entry: z.string().optional(),
  documents: Size,
  bytes: Size,
  /** What was selected, in words; absent for the whole collection. */
  selected: z.array(z.string()).optional(),
  /** Base64 BSON: extended JSON cannot hold all of it. */
  options: z.base64(),
  indexes: z.array(z.base64()),
});

export const Manifest = z.strictObject({
  format: z.literal(format),
  tool: z.strictObject({ name: z.string(), version: z.string() }),
  database: z.string().min(1),
  server: z.strictObject({ version: z.string() }),
  startedAt: z.string(),
  finishedAt: z.string(),
  /** Everything in front of the manifest. */
  body: z.strictObject({ bytes: Size }),
  collections: z.array(ManifestCollection),
  /** All entries but the manifest, in the archive's order. */
  entries: z.array(ManifestEntry),
});
export type Manifest = z.infer<typeof Manifest>;

/** Parses a manifest; E_INTEGRITY if it is not one, E_VERSION if it is of another format. */
export function parseManifest(text: string, path: string): Manifest {
  const json = parseJson(text, path);
  const found = formatOf(json);
  if (found !== undefined && found !== format) throw otherFormat(path, found);
  const result = Manifest.safeParse(json);
  if (result.success) return result.data;
  throw new MigrationError("E_INTEGRITY", `The manifest of "${path}" is malformed`, {
    hint: "Make the backup again",
    cause: result.error,
  });
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MigrationError("E_INTEGRITY", `The manifest of "${path}" is damaged`, {
      hint: "Make the backup again",
      cause: error,
    });
  }
}

function formatOf(json: unknown): number | undefined {
  if (typeof json !== "object" || json === null || !("format" in json)) return undefined;
  return typeof json.format === "number" ? json.format : undefined;
}

function otherFormat(path: string, found: number): MigrationError {
  const [by, hint] =
    found > format
      ? ["a later version", "Restore it with the version that made it, or a later one"]
      : [
          "an earlier version",
          "Make the backup again, or restore it with the version that made it",
        ];
  return new MigrationError("E_VERSION", `The archive "${path}" was made by ${by}`, { hint });
}

/** Tells archives apart by what their entries unpack to. */
export function fingerprintOf({ entries }: Pick<Manifest, "entries">): string {
  const lines = entries.map(({ name, sha256 }) => `${name}\0${sha256}\n`);
  return createHash("sha256").update(lines.join("")).digest("hex");
}
