import { gzipSync } from "node:zlib";
import { stringify } from "yaml";
import { asMigrationError } from "../../core/errors.ts";
import { maskLines, maskValue } from "../../core/mask.ts";
import { redactValue } from "../../core/secrets.ts";
import { tarOf } from "./tar.ts";

/** A file of the bundle: lines of text, or data that is written as its name says. */
export type Piece = { path: string } & (
  | { lines: string }
  | { value: unknown }
  /** Checked to hold no secret: where they are to be found is told. */
  | { config: unknown }
  | { missing: string }
);

/** Something that is looked for; it may give several files. */
export interface Part {
  /** Stands in the index where it could not be had. */
  path: string;
  read(): Promise<readonly Piece[]>;
}

export interface Gathered {
  pieces: Piece[];
  missing: Missing[];
}

interface Missing {
  path: string;
  reason: string;
}

/** Reads each part; what cannot be had never keeps the rest from being had. */
export async function gather(parts: readonly Part[], signal?: AbortSignal): Promise<Gathered> {
  const gathered: Gathered = { pieces: [], missing: [] };
  for (const { path, read } of parts) {
    try {
      for (const piece of await read()) {
        if ("missing" in piece) gathered.missing.push({ path: piece.path, reason: piece.missing });
        else gathered.pieces.push(piece);
      }
    } catch (error) {
      signal?.throwIfAborted();
      const { message, code } = asMigrationError(error);
      gathered.missing.push({ path, reason: `${message} (${code})` });
    }
  }
  return gathered;
}

export interface Bundle {
  /** A tar.gz. */
  bytes: Buffer;
  files: { path: string; bytes: number }[];
  missing: Missing[];
}

/**
 * Packs what was gathered, masked: only now, when all secrets that were read on the way are known.
 * Its index names what is in it, and what could not be had.
 */
export function packBundle(gathered: Gathered, now: number): Bundle {
  const missing = maskValue(gathered.missing) as Missing[];
  const entries = gathered.pieces.map((piece) => ({
    path: piece.path,
    content: Buffer.from(textOf(piece)),
  }));
  const files = entries.map(({ path, content }) => ({ path, bytes: content.length }));
  const index = { version: 1, made: new Date(now).toISOString(), files, missing };
  const all = [{ path: "index.json", content: Buffer.from(jsonText(index)) }, ...entries];
  const seconds = Math.floor(now / 1000);
  const within = all.map(({ path, content }) => ({ path: `migctl-debug/${path}`, content }));
  return { bytes: gzipSync(tarOf(within, seconds)), files, missing };
}

function textOf(piece: Piece): string {
  if ("lines" in piece) return maskLines(piece.lines);
  if ("missing" in piece) return "";
  const value = "config" in piece ? redactValue(piece.config) : maskValue(piece.value);
  return piece.path.endsWith(".yaml") ? stringify(value, { lineWidth: 0 }) : jsonText(value);
}

function jsonText(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_key, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner),
    2,
  );
  return `${text}\n`;
}
