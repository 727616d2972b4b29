import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { rsyncResumes } from "../../src/files/rsync-resume.ts";
import { tempDir } from "../support/temp-dir.ts";

const { signal } = new AbortController();

it("sees that an rsync goes on with a part of a file", async () => {
  expect(await rsyncResumes(signal)).toBe(true);
});

it("sees that one refuses the part, or says that all is well without the file", async () => {
  const folder = tempDir();
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"]}`);
  for (const exitCode of [12, 23, 0]) {
    writeFileSync(join(folder, "rsync"), `#!/bin/sh\nexit ${exitCode}\n`);
    chmodSync(join(folder, "rsync"), 0o755);
    expect(await rsyncResumes(signal)).toBe(false);
  }
});
