import { MigrationError } from "./errors.ts";
import { runProcess } from "./process.ts";

/** Makes everything written to the file system that holds `path` durable (syncfs). */
export async function syncFileSystem(path: string) {
  const result = await runProcess("sync", ["-f", "--", path]);
  if (result.exitCode === 0) return;
  throw new MigrationError("E_PROGRAM", `Cannot make "${path}" durable: ${result.stderr.trim()}`, {
    hint: "Check the volume: the data may not be on disk",
  });
}
