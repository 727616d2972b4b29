import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new directory that is removed when the running test ends; for use inside a test only. */
export function tempDir(): string {
  const path = makeDir();
  onTestFinished(() => removeTree(path));
  return path;
}

/** A new directory that its caller removes with `removeTree`; for hooks, which have no test. */
export function makeDir(): string {
  return mkdtempSync(join(tmpdir(), "migctl-test-"));
}

/** Removes what Node's `rm` cannot: paths beyond PATH_MAX, names that are not UTF-8, closed modes. */
export function removeTree(path: string): void {
  if (process.getuid?.() !== 0) {
    execFileSync("chmod", ["-R", "u+rwX", "--", path], { stdio: "ignore" });
  }
  execFileSync("rm", ["-rf", "--", path]);
}
