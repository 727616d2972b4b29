import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { onTestFinished } from "vitest";

/** An ext4 file system in a file, for what no folder can show: lost bytes, bad blocks, lost power. */
export interface DiskImage {
  file: string;
  /** Beside what it is mounted with anyway, as "ro" or "commit=300". */
  mount(folder: string, options?: string): void;
  unmount(folder: string): void;
}

const blockBytes = 4096;

/** Undefined where no image can be mounted, which is an error in the gate. */
export function makeDiskImage(file: string, folder: string, megabytes = 16): DiskImage | undefined {
  closeSync(openSync(file, "w"));
  truncateSync(file, megabytes * 1024 * 1024);
  const mount = (at: string, options?: string) => mountImage(file, at, options);
  const unmount = (at: string) => execFileSync("umount", [at], { stdio: "pipe" });
  try {
    execFileSync("mkfs.ext4", ["-q", "-F", "-b", `${blockBytes}`, "-m", "0", file], {
      stdio: "pipe",
    });
    mount(folder);
  } catch (error) {
    if (process.env["CI"]) throw error;
    process.stderr.write(`skipped: no image can be mounted here: ${String(error)}\n`);
    return undefined;
  }
  onTestFinished(() => {
    spawnSync("umount", ["-l", folder]);
  });
  return { file, mount, unmount };
}

export function mountImage(file: string, folder: string, options = "rw") {
  execFileSync("mount", ["-o", `loop,${options}`, file, folder], { stdio: "pipe" });
}

/** Changes one byte of the content below the file system, which so knows of no change. */
export function rotByte({ file }: DiskImage, content: string) {
  const at = readFileSync(file).indexOf(content);
  if (at < 0) throw new Error("The content is not in the image");
  const handle = openSync(file, "r+");
  writeSync(handle, "X", at);
  closeSync(handle);
}

/** The device loses all blocks from this file's first one on, while it is mounted. */
export function loseBlocks({ file }: DiskImage, path: string) {
  const answer = execFileSync("debugfs", ["-R", `blocks ${path}`, file], { stdio: "pipe" });
  const first = Number(answer.toString().trim().split(/\s+/)[0]);
  if (!(first > 0)) throw new Error(`There are no blocks of ${path}: ${answer}`);
  truncateSync(file, first * blockBytes);
}
