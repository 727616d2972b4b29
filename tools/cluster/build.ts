import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { cached, cacheFolder } from "../../test/support/cache.ts";
import { kubernetesVersion } from "./settings.ts";

const least = 24;
const modules = join(import.meta.dirname, "go");

const programs = ["kubernetes", "coredns", "pause"] as const;

export type GoProgram = (typeof programs)[number];

/** Why the programs cannot be built here; undefined where they can, or have been. */
export async function missingGo(): Promise<string | undefined> {
  if (programs.every(cachedGoProgram)) return undefined;
  const { stdout } = await execa("go", ["env", "GOVERSION"]).catch(() => ({ stdout: "" }));
  const minor = Number(/^go1\.(\d+)/.exec(stdout)?.[1] ?? 0);
  if (minor >= least) return undefined;
  return `building Kubernetes takes Go 1.${least} or later, found ${stdout || "none"}`;
}

/** A program of our Go modules, built once. */
export async function provideGoProgram(name: GoProgram): Promise<string> {
  const folder = await cached(folderName(name), (half) => build(name, half));
  return join(folder, name);
}

/** The program where it has been built, for what needs no building. */
export function cachedGoProgram(name: GoProgram): string | undefined {
  const path = join(cacheFolder(), folderName(name), name);
  return existsSync(path) ? path : undefined;
}

function folderName(name: GoProgram): string {
  return `${name}-${fingerprint(name)}`;
}

/** Changes with the module, so that another version never serves as this one. */
function fingerprint(name: GoProgram): string {
  const hash = createHash("sha256").update(kubernetesVersion);
  for (const file of ["main.go", "go.mod"]) hash.update(readFileSync(join(modules, name, file)));
  return hash.digest("hex").slice(0, 12);
}

async function build(name: GoProgram, folder: string): Promise<void> {
  const missing = await missingGo();
  if (missing) throw new Error(`Cannot build ${name}: ${missing}`);
  process.stderr.write(`Building ${name} (minutes, once) ...\n`);
  await execa(
    "go",
    ["build", "-trimpath", `-ldflags=${linkFlags()}`, "-o", join(folder, name), "."],
    {
      cwd: join(modules, name),
      env: { CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false", GOWORK: "off" },
      timeout: 1_500_000,
    },
  );
}

/** Without these the API server calls itself v0.0.0. */
function linkFlags(): string {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(kubernetesVersion) ?? [];
  const facts = { gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor };
  const settings = Object.entries(facts).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return ["-s -w", ...settings].join(" ");
}
