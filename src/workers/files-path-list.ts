import { closeSync, openSync, writeSync } from "node:fs";

/**
 * What is around a path in a list for rsync or tar. The leading "./" keeps "#" and ";" from being
 * comments and "-" from being an option.
 */
const start = Buffer.from("./");
const end = Buffer.alloc(1);

/** A list in the making: it is on the disk once it is closed. */
export interface PathList {
  count(): number;
  add(path: Buffer): void;
  close(): void;
}

const heldBytes = 64 * 1024;

export function openPathList(file: string): PathList {
  const fd = openSync(file, "w", 0o660);
  let count = 0;
  let bytes = 0;
  let held: Buffer[] = [];
  let isOpen = true;
  function write() {
    const piece = Buffer.concat(held, bytes);
    for (let at = 0; at < bytes; ) at += writeSync(fd, piece, at);
    held = [];
    bytes = 0;
  }
  function add(path: Buffer) {
    held.push(start, path, end);
    bytes += start.length + path.length + end.length;
    count++;
    if (bytes >= heldBytes) write();
  }
  function close() {
    if (!isOpen) return;
    isOpen = false;
    try {
      write();
    } finally {
      closeSync(fd);
    }
  }
  return { count: () => count, add, close };
}

/** Returns how many there were. */
export function writePathList(file: string, paths: Iterable<Buffer>): number {
  const list = openPathList(file);
  try {
    for (const path of paths) list.add(path);
  } finally {
    list.close();
  }
  return list.count();
}
