import { setImmediate } from "node:timers/promises";
import { parentOf } from "./entry.ts";
import { type FolderChain, type Look, lookAt, openFolderChain } from "./folder-chain.ts";
import { type Hashed, type Hasher, type HashOptions, makeHasher, whyUnread } from "./hash.ts";

/**
 * One side's tree as the workers see it. The local one reads the file system; one behind a
 * connection answers the same questions, which is why they come in batches.
 */
export interface FileTree {
  /** What is at each path, in their order; never through a symbolic link. */
  look(paths: readonly Buffer[]): Promise<Look[]>;
  /** SHA-256 of a regular file; throws what opening or reading it throws. */
  hash(path: Buffer, options?: HashOptions): Promise<Buffer>;
  /** Many small files at once, in their order; absent where that is no cheaper. */
  hashAll?(paths: readonly Buffer[], signal: AbortSignal): Promise<Hashed[]>;
  close(): void;
}

const looksPerTurn = 256;
const hashesPerTurn = 32;

export type LocalTree = Required<FileTree>;

export function openLocalTree(root: string, hashFile: Hasher = makeHasher()): LocalTree {
  const chain = openFolderChain(root);
  async function look(paths: readonly Buffer[]): Promise<Look[]> {
    const looks: Look[] = [];
    for (let at = 0; at < paths.length; at += looksPerTurn) {
      if (at > 0) await setImmediate();
      lookTogether(chain, paths.slice(at, at + looksPerTurn), looks);
    }
    return looks;
  }
  async function hash(path: Buffer, options: HashOptions = {}): Promise<Buffer> {
    const place = chain.place(path);
    if (place.state === "here") return await hashFile(place.location, options);
    throw Object.assign(new Error("It is not there"), { code: "ENOENT" });
  }
  async function hashAll(paths: readonly Buffer[], signal: AbortSignal): Promise<Hashed[]> {
    const hashes: Hashed[] = [];
    for (const path of paths) {
      signal.throwIfAborted();
      hashes.push(await hash(path, { signal }).catch(whyUnread));
      if (hashes.length % hashesPerTurn === 0) await setImmediate();
    }
    return hashes;
  }
  return { look, hash, hashAll, close: chain.close };
}

/** What is in a folder that is not there is not asked for one by one: to be told so costs much. */
function lookTogether(chain: FolderChain, paths: readonly Buffer[], looks: Look[]) {
  let gone: Buffer | undefined;
  for (const path of paths) {
    const folder = parentOf(path);
    const place = gone?.equals(folder) ? absent : chain.place(path);
    if (place.state === "absent") gone = folder;
    looks.push(lookAt(place, path));
  }
}

const absent = { state: "absent" } as const;
