import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "../core/process.ts";

const size = 128 * 1024;

/**
 * Whether the rsync here goes on with what is in an absolute --partial-dir. Versions with the
 * repairs of early 2025, also as distributions took them into older ones, cannot open it: they
 * refuse the file, or end in the middle, each time again.
 */
export async function rsyncResumes(signal: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "migmgr-rsync-"));
  try {
    const [source, target, partial] = ["source", "target", "partial"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    for (const one of [source, target, partial]) await mkdir(one);
    const content = Buffer.alloc(size, "0123456789abcdefghijk");
    await writeFile(join(source, "file"), content);
    await writeFile(join(partial, "file"), content.subarray(0, size / 2));
    const args = ["--no-whole-file", "--times", `--partial-dir=${partial}`];
    const end = await runProcess("rsync", [...args, "--", join(source, "file"), `${target}/`], {
      signal,
    });
    const arrived = await readFile(join(target, "file")).catch(() => undefined);
    return end.exitCode === 0 && arrived?.equals(content) === true;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
