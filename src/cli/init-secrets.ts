import { access, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { ClusterConfig } from "../config/network.ts";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { MigrationError } from "../core/errors.ts";
import { registerSecret } from "../core/secrets.ts";

/** What was typed and is to be in files beside the config once all of it is known to be right. */
export interface TypedSecrets {
  /** Keeps a value, and returns the file's name as the config has it. */
  keep(config: string, name: string, value: string): Promise<string>;
  /** The access with the file in which a token is until then. */
  staged(cluster: ClusterConfig): ClusterConfig;
  files(): ReadonlyMap<string, string>;
}

/** Until they are written, tokens are in `folder`, which is removed at the end. */
export function makeTypedSecrets(folder: string): TypedSecrets {
  const values = new Map<string, string>();
  const temporary = (path: string) => join(folder, basename(path));
  return {
    async keep(config, name, value) {
      registerSecret(value);
      const file = `${basename(config, extname(config))}.${name}`;
      const path = join(dirname(resolve(config)), file);
      values.set(path, value);
      await writeFile(temporary(path), value, { mode: 0o600 });
      return file;
    },
    staged(cluster) {
      if (!("server" in cluster) || cluster.token === undefined) return cluster;
      const { token } = cluster;
      if (!("file" in token) || !values.has(token.file)) return cluster;
      return { ...cluster, token: { file: temporary(token.file) } };
    },
    files: () => values,
  };
}

export interface NewFile {
  path: string;
  content: string;
  mode: number;
}

/** Throws E_EXISTS with those that are there already. */
export async function refuseExisting(paths: readonly string[]) {
  const there: string[] = [];
  for (const path of paths) if (await isThere(path)) there.push(`"${path}"`);
  if (there.length === 0) return;
  throw new MigrationError("E_EXISTS", `There is already ${there.join(" and ")}`, {
    hint: "Give --force to replace it, or another file with --out",
  });
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** All of them or none: what is new is removed again when another one cannot be written. */
export async function writeAll(files: readonly NewFile[]) {
  const made: string[] = [];
  try {
    for (const { path, content, mode } of files) {
      const isNew = !(await isThere(path));
      // One that an earlier attempt left could have another mode.
      await rm(`${path}.tmp`, { force: true });
      await writeFileAtomic(path, content, mode);
      if (isNew) made.push(path);
    }
  } catch (error) {
    for (const path of made) await rm(path, { force: true });
    throw error;
  }
}
