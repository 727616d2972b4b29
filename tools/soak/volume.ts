import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

/** A small volume of its own, which can be made full; a plain folder where nobody may mount. */
export interface Volume {
  /** Where the data goes. */
  folder: string;
  canBeFull: boolean;
  /** Takes all the room that there is. */
  fill(): Promise<void>;
  free(): void;
  /** Removes all data. */
  clear(): void;
  /** Nothing stays mounted; what is to be kept is copied into the folder below first. */
  close(keep: boolean): void;
}

export function mountVolume(at: string, megabytes: number): Volume {
  mkdirSync(at, { recursive: true });
  const canBeFull = mount(at, megabytes);
  const folder = join(at, "data");
  const ballast = join(at, "ballast");
  mkdirSync(folder);
  return {
    folder,
    canBeFull,
    fill: () => takeAll(at, ballast),
    free: () => rmSync(ballast, { force: true }),
    clear() {
      rmSync(ballast, { force: true });
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    },
    close(keep) {
      if (!canBeFull) return;
      if (keep) execFileSync("cp", ["-a", at, `${at}.kept`]);
      execFileSync("umount", ["-l", at]);
      if (keep) execFileSync("cp", ["-a", `${at}.kept/.`, at]);
      if (keep) rmSync(`${at}.kept`, { recursive: true });
    },
  };
}

function mount(at: string, megabytes: number): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "soak", at], {
      stdio: "pipe",
    });
    return true;
  } catch {
    return false;
  }
}

/** Again and again, since what runs frees and takes room meanwhile. */
async function takeAll(at: string, ballast: string) {
  const file = await open(ballast, "a");
  try {
    for (let tries = 0; tries < 20 && statfsSync(at).bfree > 0; tries += 1) {
      const { bfree, bsize } = statfsSync(at);
      await file.appendFile(Buffer.alloc(Math.min(bfree * bsize, 64 * 1024 * 1024)));
    }
  } catch {
    // Somebody else was faster: it is full.
  } finally {
    await file.close();
  }
}
