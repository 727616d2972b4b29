import { setImmediate } from "node:timers/promises";
import { type Look, openFolderChain } from "./folder-chain.ts";
import { type Hasher, type HashOptions, makeHasher } from "./hash.ts";

/**
 * One side's tree as the workers see it. The local one reads the file system; one behind a
 * connection answers the same questions, which is why they come in batches.
 */
export interface FileTree {
  /** What is at each path, in their order; never through a symbolic link. */
  look(paths: readonly Buffer[]): Promise<Look[]>;
  /** SHA-256 of a regular file; throws what opening or reading it throws. */
  hash(path: Buffer, options?: HashOptions): Promise<Buffer>;
  close(): void;
}

const looksPerTurn = 256;

export function openLocalTree(root: string, hashFile: Hasher = makeHasher()): FileTree {
  const chain = openFolderChain(root);
  async function look(paths: readonly Buffer[]): Promise<Look[]> {
    const looks: Look[] = [];
    for (const path of paths) {
      looks.push(chain.look(path));
      if (looks.length % looksPerTurn === 0) await setImmediate();
    }
    return looks;
  }
  async function hash(path: Buffer, options: HashOptions = {}): Promise<Buffer> {
    const place = chain.place(path);
    if (place.state === "here") return await hashFile(place.location, options);
    throw Object.assign(new Error("It is not there"), { code: "ENOENT" });
  }
  return { look, hash, close: chain.close };
}
