import { MigrationError } from "../core/errors.ts";
import { runProcess } from "../core/process.ts";
import { rsyncResumes } from "./rsync-resume.ts";

export interface RsyncFeatures {
  acls: boolean;
  xattrs: boolean;
  /** Goes on with a file whose transfer was cut. */
  resumes: boolean;
}

/** What rsync can do here; throws E_PROGRAM where it is missing or too old. */
export async function rsyncFeatures(signal: AbortSignal): Promise<RsyncFeatures> {
  const { stdout } = await runProcess("rsync", ["--version"], { signal });
  return { ...parseFeatures(stdout), resumes: await rsyncResumes(signal) };
}

/** By what `rsync --version` prints; throws E_PROGRAM where it is too old. */
export function parseFeatures(version: string): Omit<RsyncFeatures, "resumes"> {
  const [major = 0, minor = 0, patch = 0] = (/version (\d+)\.(\d+)\.(\d+)/.exec(version) ?? [])
    .slice(1)
    .map(Number);
  if (major * 1e6 + minor * 1e3 + patch < 3_001_003) {
    throw new MigrationError(
      "E_PROGRAM",
      "The rsync here is too old, or does not say its version",
      {
        hint: "Install rsync 3.1.3 or newer, which compares times to the nanosecond",
      },
    );
  }
  return { acls: /(?<!no )\bACLs\b/.test(version), xattrs: /(?<!no )\bxattrs\b/.test(version) };
}

/** What both can do; it is the receiving one that goes on with a file. */
export function commonFeatures(one: RsyncFeatures, receiving: RsyncFeatures): RsyncFeatures {
  return {
    acls: one.acls && receiving.acls,
    xattrs: one.xattrs && receiving.xattrs,
    resumes: receiving.resumes,
  };
}
