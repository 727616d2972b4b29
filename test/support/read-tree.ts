import { createHash } from "node:crypto";
import { type BigIntStats, createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";
import { type FileFact, pathKey } from "../fixtures/server/file-facts.ts";

/** What is really below a folder, in the form of the fixture's oracle. */
export async function readTree(root: string): Promise<Record<string, FileFact>> {
  const found = new Map<string, { stats: BigIntStats; fact: FileFact }>();
  await walk(Buffer.from(root), Buffer.alloc(0), found);
  const files: Record<string, FileFact> = {};
  const attributes = await readAttributes(root);
  const links = Map.groupBy(found.values(), ({ stats }) => stats.ino);
  for (const [key, { stats, fact }] of found) {
    const nlink = fact.type === "dir" ? 1 : links.get(stats.ino)!.length;
    const xattrs = attributes[key];
    files[key] = { ...fact, ...(nlink > 1 ? { nlink } : {}), ...(xattrs ? { xattrs } : {}) };
  }
  return files;
}

type Found = Map<string, { stats: BigIntStats; fact: FileFact }>;

async function walk(root: Buffer, folder: Buffer, found: Found): Promise<void> {
  for (const name of await readdir(join(root, folder), { encoding: "buffer" })) {
    const path = folder.length > 0 ? join(folder, name) : name;
    const whole = join(root, path);
    const stats = await lstat(whole, { bigint: true });
    found.set(pathKey(path), { stats, fact: await factOf(whole, stats) });
    if (stats.isDirectory()) await walk(root, path, found);
  }
}

async function factOf(path: Buffer, stats: BigIntStats): Promise<FileFact> {
  const type = typeOf(stats);
  return {
    type,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: String(stats.mtimeNs),
    size: type === "file" ? Number(stats.size) : 0,
    ...(type === "file" ? { sha256: await hashOf(path) } : {}),
    ...(type === "symlink"
      ? { target: pathKey(await readlink(path, { encoding: "buffer" })) }
      : {}),
  };
}

function typeOf(stats: BigIntStats): FileFact["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "dir";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isFIFO()) return "fifo";
  return stats.isSocket() ? "socket" : "device";
}

async function hashOf(path: Buffer): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest("hex");
}

function join(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from("/"), name]);
}

const listAttributes = `
import json, os, sys
root = os.fsencode(sys.argv[1])
found = {}
for folder, folders, files in os.walk(root):
    for path in [os.path.join(folder, name) for name in folders + files]:
        names = [n for n in os.listxattr(path, follow_symlinks=False) if n.startswith("user.")]
        if names:
            values = {n: os.getxattr(path, n, follow_symlinks=False).decode() for n in names}
            found[os.path.relpath(path, root).hex()] = values
print(json.dumps(found))
`;

/** Node cannot read extended attributes. */
async function readAttributes(root: string): Promise<Record<string, Record<string, string>>> {
  const { stdout } = await execa("python3", ["-c", listAttributes, root]);
  const found: Record<string, Record<string, string>> = JSON.parse(stdout);
  const byPath = Object.entries(found).map(([hex, values]) => {
    return [pathKey(Buffer.from(hex, "hex")), values] as const;
  });
  return Object.fromEntries(byPath);
}
