import { copyFile, glob, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { importRoot, inDocker, type OwnImage } from "./images.ts";

const { version } = createRequire(import.meta.url)("node/package.json") as { version: string };

/** What nobody reads in a container. */
const surplus = [
  ...["usr/share/{doc,man,locale}/*", "var/cache/apt/archives/*.deb", "var/cache/apt/*.bin"],
  "var/lib/apt/lists/*_*",
];

/** Docker cannot pull everywhere. libcurl4 is for the mongod of the images that stand on it. */
const packages = ["rsync", "tini", "libcurl4"];

/** Debian 12 with Node 24, rsync and tini, which the project's image can stand on. */
const base: OwnImage = {
  tag: `localhost/migctl-base:node-${version}-1`,
  async make() {
    process.stderr.write("Making the base image (a minute, once) ...\n");
    const root = await mkdtemp(join(tmpdir(), "migctl-base-"));
    try {
      await debootstrap(root);
      await copyFile(nodeProgram(), join(root, "usr/local/bin/node"));
      await removeSurplus(root);
      await importRoot(base.tag, root, ["ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};

async function removeSurplus(root: string): Promise<void> {
  for await (const path of glob(surplus.map((pattern) => join(root, pattern)))) {
    await rm(path, { recursive: true, force: true });
  }
}

/** The tag for the Dockerfile's `--build-arg BASE_IMAGE=…`, once Docker has it. */
export function baseImage(): Promise<string> {
  return inDocker(base);
}

async function debootstrap(root: string): Promise<void> {
  // Without one, debootstrap takes Debian's own.
  const mirror = process.env["MIGCTL_DEBIAN_MIRROR"];
  const include = `--include=${packages.join(",")}`;
  await execa(
    "debootstrap",
    ["--variant=minbase", include, "bookworm", root, ...(mirror ? [mirror] : [])],
    {
      timeout: 600_000,
    },
  );
}

/** The package that the project runs on has the program itself. */
function nodeProgram(): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve("node/package.json")), "bin/node");
}
