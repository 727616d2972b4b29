import { z } from "zod";
import { MigrationError } from "../../core/errors.ts";

/** The last entry of an archive: what all others must be. */
export const manifestName = "manifest.json";

const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Size = z.number().int().nonnegative();

const ManifestEntry = z.strictObject({
  name: z.string().min(1),
  /** Unpacked. */
  bytes: Size,
  crc32: z.string().regex(/^[0-9a-f]{8}$/),
  sha256: Hash,
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
  format: z.literal(1),
  tool: z.strictObject({ name: z.string(), version: z.string() }),
  database: z.string().min(1),
  server: z.strictObject({ version: z.string() }),
  startedAt: z.string(),
  finishedAt: z.string(),
  /** Everything in front of the manifest, byte for byte. */
  body: z.strictObject({ bytes: Size, sha256: Hash }),
  collections: z.array(ManifestCollection),
  /** All entries but the manifest, in the archive's order. */
  entries: z.array(ManifestEntry),
});
export type Manifest = z.infer<typeof Manifest>;

/** Parses a manifest; E_INTEGRITY if it is not one, E_VERSION if it is of a later format. */
export function parseManifest(text: string, path: string): Manifest {
  const json = parseJson(text, path);
  if (isLaterFormat(json)) {
    throw new MigrationError("E_VERSION", `The archive "${path}" was made by a later version`, {
      hint: "Restore it with the version that made it, or a later one",
    });
  }
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

function isLaterFormat(json: unknown): boolean {
  if (typeof json !== "object" || json === null || !("format" in json)) return false;
  return typeof json.format === "number" && json.format > 1;
}
