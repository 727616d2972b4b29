import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { baseImage } from "../../tools/cluster/base-image.ts";
import type { OwnImage } from "../../tools/cluster/images.ts";

const programs = ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"];

/** The base image, which has rsync and tar, with this machine's OpenSSH. */
export const peerImage: OwnImage = {
  tag: "localhost/migctl-bench-peer:1",
  async make() {
    const context = await mkdtemp(join(tmpdir(), "migctl-bench-peer-"));
    try {
      for (const program of programs) {
        await cp(program, join(context, "programs", basename(program)), { dereference: true });
        for (const library of await librariesOf(program)) {
          await cp(library, join(context, "libraries", basename(library)), { dereference: true });
        }
      }
      await writeFile(join(context, "Dockerfile"), await recipe());
      await execa("docker", ["build", "-q", "-t", peerImage.tag, context]);
    } finally {
      await rm(context, { recursive: true, force: true });
    }
  },
};

/** But for the C library's own, of which the image has its own. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await execa("ldd", [program]);
  const found = [...stdout.matchAll(/=> (\/\S+)/g)].map(([, path = ""]) => path);
  return found.filter((path) => !/\/(?:libc|libm|ld-linux\S*)\.so/.test(path));
}

async function recipe(): Promise<string> {
  return `FROM ${await baseImage()}
COPY libraries /opt/ssh/libraries
COPY programs /opt/ssh/programs
ENV LD_LIBRARY_PATH=/opt/ssh/libraries PATH=/opt/ssh/programs:/usr/local/bin:/usr/bin:/bin:/usr/sbin
RUN mkdir -p /run/sshd && chmod 0755 /run/sshd && useradd -r -s /usr/sbin/nologin -d /run/sshd sshd
`;
}
