import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { loadImage } from "../../../src/controller/image/load.ts";
import { checkImage, imageFor } from "../../../src/controller/image/name.ts";
import { pushImage } from "../../../src/controller/image/push.ts";
import { findRuntimes, runtimeVariables } from "../../../src/controller/image/runtimes.ts";
import { tempDir } from "../../support/temp-dir.ts";

describe("the image for a node", () => {
  const own = { architecture: "amd64", version: "1.2.3" };

  it.each([
    [{}, "localhost/migctl:1.2.3-amd64"],
    [{ architecture: "ppc64le" }, "localhost/migctl:1.2.3-ppc64le"],
    [{ architecture: "arm64", version: "1.2.3+7" }, "localhost/migctl:1.2.3_7-arm64"],
    [{ tag: "dev" }, "localhost/migctl:dev"],
    [{ tag: "dev", architecture: "s390x" }, "localhost/migctl:dev"],
    [
      { image: "registry.example.com:5000/team/migctl" },
      "registry.example.com:5000/team/migctl:1.2.3-amd64",
    ],
    [{ image: "registry.example.com/migctl", tag: "dev" }, "registry.example.com/migctl:dev"],
    [
      { image: "registry.example.com:5000/migctl:9", architecture: "s390x" },
      "registry.example.com:5000/migctl:9",
    ],
    [{ image: `migctl@sha256:${"a".repeat(64)}` }, `migctl@sha256:${"a".repeat(64)}`],
  ])("of %j is %s", (choice, image) => {
    expect(imageFor({ ...own, ...choice })).toBe(image);
  });

  it("is not guessed for an architecture that none is built for", () => {
    const choose = () => imageFor({ ...own, architecture: "s390x" });
    expect(choose).toThrow(expect.objectContaining({ code: "E_IMAGE", exitCode: 5 }));
    expect(choose).toThrow('There is no image for the architecture "s390x"');
  });

  it("has one tag", () => {
    const choose = () => imageFor({ ...own, image: "registry.example.com/migctl:9", tag: "dev" });
    expect(choose).toThrow(expect.objectContaining({ code: "E_USAGE" }));
  });

  it.each([
    ...[
      "",
      "-v",
      "--help",
      "a b",
      "https://registry.example.com/migctl:1",
      "r.example.com/Upper:1",
    ],
    ...["a:b:c", "a/../b:1", "a:-b", "a$(b):1", "a\n:1", "a@sha256:12", "a//b:1"],
  ])("is not %j", (image) => {
    expect(() => checkImage(image)).toThrow(expect.objectContaining({ code: "E_USAGE" }));
  });
});

/** A folder of programs in place of PATH: each is a line of sh. */
function onlyPrograms(programs: Record<string, string>) {
  const folder = join(tempDir(), "bin");
  mkdirSync(folder);
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }
  vi.stubEnv("PATH", folder);
  // Before the folder's own removal, which takes a program.
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe("the runtimes of a host", () => {
  it("are those that answer, and why others do not is told", async () => {
    onlyPrograms({ docker: "echo old; echo 'no daemon runs' >&2; exit 1", ctr: "exit 0" });
    const { found, problems } = await findRuntimes();
    expect(found.map(({ name }) => name)).toEqual(["ctr"]);
    expect(problems).toEqual(["docker: no daemon runs", "podman: is not there"]);
  });

  it("are only the node's where it is known", async () => {
    onlyPrograms({ docker: "exit 0", podman: "exit 0", ctr: "exit 0" });
    const names = async (nodeRuntime?: string) => {
      const { found } = await findRuntimes(nodeRuntime === undefined ? {} : { nodeRuntime });
      return found.map(({ name }) => name);
    };
    expect(await names()).toEqual(["docker", "podman", "ctr"]);
    expect(await names("docker://20.10.24")).toEqual(["docker"]);
    expect(await names("cri-o://1.29.1")).toEqual(["podman"]);
    expect(await names("containerd://1.7.2")).toEqual(["ctr"]);
    expect(await names("other://1")).toEqual([]);
  });

  it("take an image that is there for loaded, without a look at the archive", async () => {
    onlyPrograms({ docker: '[ "$1" != load ] && echo sha256:1' });
    const request = { image: "localhost/migctl:1", file: "/no/such/archive" };
    expect(await loadImage(request)).toEqual({ runtime: "docker", isNew: false });
  });

  it("may all be missing", async () => {
    onlyPrograms({});
    const image = "localhost/migctl:1";
    const nodeRuntime = "containerd://1.7.2";
    await expect(loadImage({ image, file: "a.tar.gz", nodeRuntime })).rejects.toMatchObject({
      code: "E_IMAGE",
      message:
        'Cannot load "a.tar.gz": no container runtime of the node (containerd://1.7.2) answers on this host',
      fields: { problems: ["ctr: is not there"] },
    });
    await expect(pushImage({ image, destination: "r.example.com/a:1" })).rejects.toMatchObject({
      code: "E_IMAGE",
      message: 'Cannot push "localhost/migctl:1": neither docker nor podman answers',
      fields: { problems: ["docker: is not there", "podman: is not there"] },
    });
  });

  it("are told where they are, and nothing else of our environment", () => {
    const env = { DOCKER_HOST: "tcp://h:1", MONGODB_PASSWORD: "canary", HTTPS_PROXY: undefined };
    expect(runtimeVariables(env)).toEqual({ DOCKER_HOST: "tcp://h:1" });
  });
});
