import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** Why nothing can be run in containers here; undefined where it can. */
export async function missingDocker(): Promise<string | undefined> {
  const { failed } = await execa("docker", ["version"], { reject: false });
  return failed ? "No containers: docker does not answer" : undefined;
}

/** An image of one small file. */
export async function makeTinyImage(name: string, folder: string): Promise<void> {
  const root = join(folder, "tiny-root");
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "greeting"), `${name}\n`);
  const tar = execa("tar", ["-C", root, "-c", "."], { buffer: false });
  await tar.pipe("docker", ["import", "-", name]);
}

/** Takes the names of images away; what has no other is removed. */
export async function removeImages(...names: string[]): Promise<void> {
  await execa("docker", ["image", "rm", ...names], { reject: false });
}
