import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { baseImage } from "../../tools/cluster/base-image.ts";
import type { OwnImage } from "../../tools/cluster/images.ts";
import { type MongodVersion, mongodEnvironment, provideMongod } from "./mongod-binary.ts";

const standInVersions = ["4.2", "4.4", "6.0"] as const satisfies MongodVersion[];

export type StandInVersion = (typeof standInVersions)[number];

/** The base image with `mongod-4.2` and its like: all that a stand-in release runs. */
export const standInImage: OwnImage = {
  tag: "localhost/migctl-standin:2",
  async make() {
    process.stderr.write("Making the stand-in's image ...\n");
    const context = await mkdtemp(join(tmpdir(), "migctl-standin-"));
    try {
      for (const version of standInVersions) await addMongod(context, version);
      await writeFile(
        join(context, "Dockerfile"),
        `FROM ${await baseImage()}\nCOPY opt /opt\nCOPY bin /usr/local/bin\n`,
      );
      await execa("docker", ["build", "-q", "-t", standInImage.tag, context]);
    } finally {
      await rm(context, { recursive: true, force: true });
    }
  },
};

/** The name under which the image has a mongod. */
export function mongodProgram(version: StandInVersion): string {
  return `mongod-${version}`;
}

async function addMongod(context: string, version: StandInVersion): Promise<void> {
  const mongod = await provideMongod(version);
  const name = mongodProgram(version);
  await cp(mongod, join(context, "opt", name, "bin", "mongod"));
  const { LD_LIBRARY_PATH: libraries } = mongodEnvironment(mongod);
  if (libraries) {
    const asIs = { recursive: true, verbatimSymlinks: true };
    await cp(libraries, join(context, "opt", name, "lib"), asIs);
  }
  const start = `LD_LIBRARY_PATH=/opt/${name}/lib exec /opt/${name}/bin/mongod "$@"`;
  const script = join(context, "bin", name);
  await mkdir(dirname(script), { recursive: true });
  await writeFile(script, `#!/bin/sh\n${start}\n`);
  await chmod(script, 0o755);
}
