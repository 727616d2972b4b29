import { copyFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { checkImage, imageFor } from "../src/controller/image/name.ts";
import { programVersion } from "../src/core/version.ts";
import { makeBundle } from "./bundle.ts";

const root = resolve(import.meta.dirname, "..");

export interface ImageRequest {
  /** Instead of the Dockerfile's own. */
  baseImage?: string | undefined;
  /** The whole name, instead of the one that migctl looks for. */
  tag?: string | undefined;
  /** As Kubernetes names it; this machine's where absent. */
  architecture?: string | undefined;
}

/** Of `npm run package` too. */
export const imageFlags = {
  "base-image": { type: "string" },
  arch: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Builds the image, with the bundle made on this machine, and returns its name. */
export async function buildImage(request: ImageRequest): Promise<string> {
  const name = imageName(request);
  const context = mkdtempSync(join(tmpdir(), "migctl-image-"));
  try {
    await makeBundle(join(context, "migctl.mjs"));
    copyFileSync(join(root, "Dockerfile"), join(context, "Dockerfile"));
    copyFileSync(join(root, "LICENSE"), join(context, "LICENSE"));
    cpSync(join(root, "packaging"), join(context, "packaging"), { recursive: true });
    const args = ["build", "--force-rm", "--tag", name, ...buildFlags(request), context];
    const { exitCode } = await execa("docker", args, {
      stdin: "ignore",
      stdout: process.stderr,
      stderr: "inherit",
      reject: false,
    });
    if (exitCode !== 0) throw new Error(`docker build ended with ${exitCode}`);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  return name;
}

/** The name that `buildImage` gives. */
function imageName({ tag, architecture = ownArchitecture() }: ImageRequest): string {
  return checkImage(tag ?? imageFor({ architecture, version: programVersion }));
}

/** This machine's, as Kubernetes names it. */
export function ownArchitecture(): string {
  const others: Record<string, string> = { x64: "amd64", ppc64: "ppc64le" };
  return others[process.arch] ?? process.arch;
}

function buildFlags({ baseImage, architecture }: ImageRequest): string[] {
  const values: Record<string, string | undefined> = {
    BASE_IMAGE: baseImage,
    TARGETARCH: architecture ?? ownArchitecture(),
    VERSION: programVersion,
  };
  const flags = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : ["--build-arg", `${name}=${value}`],
  );
  if (architecture !== undefined && architecture !== ownArchitecture()) {
    flags.push("--platform", `linux/${architecture}`);
  }
  return flags;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { ...imageFlags, tag: { type: "string", short: "t" } },
  });
  if (values.help) {
    process.stdout.write("npm run image [-- --base-image IMAGE --tag NAME:TAG --arch ARCH]\n");
  } else {
    const { "base-image": baseImage, tag, arch: architecture } = values;
    process.stdout.write(`${await buildImage({ baseImage, tag, architecture })}\n`);
  }
}
