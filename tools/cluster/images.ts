import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cached } from "../../test/support/cache.ts";
import { provideGoProgram } from "./build.ts";
import { ctr } from "./components.ts";
import { ensureDocker } from "./docker.ts";
import { pauseImage } from "./settings.ts";

/** An image of the test bed's own: its tag, and how Docker comes to have it. */
export interface OwnImage {
  tag: string;
  make(): Promise<void>;
}

const pause: OwnImage = {
  tag: pauseImage,
  async make() {
    const folder = dirname(await provideGoProgram("pause"));
    await importRoot(pauseImage, folder, ['ENTRYPOINT ["/pause"]']);
  },
};

/** The image's archive in the cache, as `docker save` writes it; made where it is missing. */
async function imageArchive({ tag, make }: OwnImage): Promise<string> {
  const name = `image-${tag.replace(/^.*\//, "").replace(":", "-")}`;
  const folder = await cached(name, async (half) => {
    await ensureDocker();
    if (!(await isInDocker(tag))) await make();
    await execa("docker", ["save", "-o", join(half, "image.tar"), tag]);
  });
  return join(folder, "image.tar");
}

/** The image's tag, once Docker has it. */
export async function inDocker(image: OwnImage): Promise<string> {
  const archive = await imageArchive(image);
  await ensureDocker();
  if (!(await isInDocker(image.tag))) await execa("docker", ["load", "-i", archive]);
  return image.tag;
}

/** The image's tag, once the node has it. */
export async function inCluster(image: OwnImage): Promise<string> {
  if (!(await isInCluster(image.tag))) await importArchive(await imageArchive(image));
  return image.tag;
}

/** Makes an image of one layer: all that is in a folder. */
export async function importRoot(tag: string, root: string, changes: string[]): Promise<void> {
  const settings = changes.flatMap((change) => ["--change", change]);
  const tar = execa("tar", ["-C", root, "-c", "."], { buffer: false });
  await tar.pipe("docker", ["import", ...settings, "-", tag]);
}

export async function loadPauseImage(): Promise<void> {
  await inCluster(pause);
}

/** Hands one of Docker's images to the node, in place of an older one of that tag. */
export async function loadImage(tag: string): Promise<void> {
  const archive = join(tmpdir(), `migctl-image-${randomUUID()}.tar`);
  try {
    await ensureDocker();
    await execa("docker", ["save", "-o", archive, tag]);
    await importArchive(archive);
  } finally {
    await rm(archive, { force: true });
  }
}

/** Takes an image from the node. */
export async function unloadImage(tag: string): Promise<void> {
  await execa("ctr", [...ctr, "images", "remove", "--sync", tag]);
}

/** Hands an archive, as `docker save` writes it, to the node. */
async function importArchive(archive: string): Promise<void> {
  await execa("ctr", [...ctr, "images", "import", archive]);
}

async function isInDocker(tag: string): Promise<boolean> {
  const { exitCode } = await execa("docker", ["image", "inspect", tag], { reject: false });
  return exitCode === 0;
}

async function isInCluster(tag: string): Promise<boolean> {
  const { stdout } = await execa("ctr", [...ctr, "images", "list", "-q"]);
  return stdout.split("\n").includes(tag);
}
