import { createReadStream, createWriteStream, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { loadImage } from "../../src/controller/image/load.ts";
import { pushImage } from "../../src/controller/image/push.ts";
import { containerdSocket } from "../../tools/cluster/settings.ts";
import { ownArchitecture } from "../../tools/image.ts";
import { makeTinyImage, missingDocker, removeImages } from "../support/docker.ts";
import {
  missingRegistry,
  type RunningRegistry,
  registryAuth,
  startRegistry,
} from "../support/registry.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const missing = await missingDocker();
if (missing !== undefined && !process.env["CI"]) process.stderr.write(`${missing}\n`);

const image = "localhost/migctl-test-tiny:1";
const other = "localhost/migctl-test-other:2";

describe.skipIf(missing !== undefined && !process.env["CI"])("an image's archive", () => {
  let folder: string;
  let file: string;
  let packed: string;

  beforeAll(async () => {
    folder = makeDir();
    file = join(folder, "tiny.tar");
    packed = `${file}.gz`;
    await makeTinyImage(image, folder);
    await execa("docker", ["save", "--output", file, image]);
    await pipeline(createReadStream(file), createGzip(), createWriteStream(packed));
  });
  beforeEach(() => removeImages(image, other));
  afterAll(async () => {
    await removeImages(image, other);
    removeTree(folder);
  });

  async function isInDocker(name: string) {
    return !(await execa("docker", ["image", "inspect", name], { reject: false })).failed;
  }

  it("is loaded into Docker where the image is missing, and once", async () => {
    const request = {
      image,
      file: packed,
      nodeRuntime: "docker://1",
      architecture: ownArchitecture(),
    };
    expect(await loadImage(request)).toEqual({ runtime: "docker", isNew: true });
    expect(await isInDocker(image)).toBe(true);
    expect(await loadImage(request)).toEqual({ runtime: "docker", isNew: false });
  });

  it("may have been saved by another name", async () => {
    await loadImage({ image: other, file, nodeRuntime: "docker://1" });
    expect(await isInDocker(other)).toBe(true);
  });

  it("is not loaded onto a node of another architecture", async () => {
    const architecture = ownArchitecture() === "arm64" ? "amd64" : "arm64";
    await expect(loadImage({ image, file, architecture })).rejects.toMatchObject({
      code: "E_IMAGE",
      message: `The image in "${file}" is for ${ownArchitecture()}, and the node is ${architecture}`,
    });
    expect(await isInDocker(image)).toBe(false);
  });

  it("is told from what is none", async () => {
    const text = join(folder, "text");
    writeFileSync(text, "no archive");
    const tar = join(folder, "other.tar");
    await execa("tar", ["-C", folder, "-cf", tar, "text"]);
    for (const none of [text, tar, join(folder, "missing"), folder]) {
      await expect(loadImage({ image, file: none })).rejects.toMatchObject({
        code: "E_IMAGE",
        message: expect.stringContaining(`Cannot read an image from "${none}": `),
      });
    }
  });

  it("is an error when a layer is missing, in Docker's words", async () => {
    const cut = join(folder, "cut.tar");
    await execa("cp", [file, cut]);
    await execa("tar", ["--delete", "--file", cut, "--wildcards", "*/layer.tar"]);
    await expect(loadImage({ image, file: cut })).rejects.toMatchObject({
      code: "E_IMAGE",
      message: expect.stringMatching(/^docker cannot load the image archive .*layer\.tar/),
    });
    expect(await isInDocker(image)).toBe(false);
  });

  describe.skipIf(!existsSync(containerdSocket))("on a node with containerd", () => {
    const env = { CONTAINERD_ADDRESS: containerdSocket };
    const ctr = ["--address", containerdSocket, "--namespace", "k8s.io", "images"];

    async function remove() {
      await execa("ctr", [...ctr, "remove", "--sync", image, other], { reject: false });
    }
    beforeEach(remove);
    afterAll(remove);

    it.each([["plain"], ["packed"]])("is loaded where the kubelet looks (%s)", async (kind) => {
      const archive = kind === "plain" ? file : packed;
      const request = { image, file: archive, nodeRuntime: "containerd://1", env };
      expect(await loadImage(request)).toEqual({ runtime: "ctr", isNew: true });
      const { stdout } = await execa("ctr", [...ctr, "list", "--quiet"]);
      expect(stdout.split("\n")).toContain(image);
      expect(await loadImage(request)).toEqual({ runtime: "ctr", isNew: false });
      const renamed = await loadImage({ ...request, image: other });
      expect(renamed).toEqual({ runtime: "ctr", isNew: true });
    });

    it("is an error when a layer is missing", async () => {
      const cut = join(folder, "cut-layer.tar");
      const members = ["--delete", "--file", cut, "--wildcards", "*/layer.tar"];
      await execa("cp", [file, cut]);
      await execa("tar", members);
      const request = { image, file: cut, nodeRuntime: "containerd://1", env };
      await expect(loadImage(request)).rejects.toMatchObject({
        code: "E_IMAGE",
        message: expect.stringMatching(/^ctr cannot load the image archive/),
      });
    });
  });
});

const missingForPush = missing ?? (await missingRegistry());
if (missingForPush !== undefined && missing === undefined && !process.env["CI"]) {
  process.stderr.write(`${missingForPush}\n`);
}

describe.skipIf(missingForPush !== undefined && !process.env["CI"])("pushing an image", () => {
  let folder: string;
  let file: string;
  let registry: RunningRegistry;
  let destination: string;

  beforeAll(async () => {
    folder = makeDir();
    file = join(folder, "tiny.tar");
    await makeTinyImage(image, folder);
    await execa("docker", ["save", "--output", file, image]);
    registry = await startRegistry(folder);
    destination = `${registry.host}/team/migctl:1.2.3-amd64`;
  });
  afterAll(async () => {
    await registry?.stop();
    await removeImages(image, destination);
    removeTree(folder);
  });

  function loggedIn(): Record<string, string> {
    const config = join(folder, "docker-config");
    mkdirSync(config, { recursive: true });
    const text = JSON.stringify({ auths: { [registry.host]: { auth: registryAuth() } } });
    writeFileSync(join(config, "config.json"), text, { mode: 0o600 });
    return { DOCKER_CONFIG: config };
  }

  it("says that the registry wants a log-in", async () => {
    const env = { DOCKER_CONFIG: join(folder, "empty") };
    await expect(pushImage({ image, destination, env })).rejects.toMatchObject({
      code: "E_IMAGE",
      message: expect.stringMatching(/^docker cannot push the image .*auth/),
      hint: expect.stringContaining("log in"),
    });
    expect(await registry.tags("team/migctl")).toEqual([]);
  });

  it("puts it there under its new name, by the log-in that docker has", async () => {
    expect(await pushImage({ image, destination, env: loggedIn() })).toBe("docker");
    expect(await registry.tags("team/migctl")).toEqual(["1.2.3-amd64"]);
  });

  it("takes it from its archive where the host has not loaded it", async () => {
    await removeImages(image, destination);
    const second = destination.replace("1.2.3", "1.2.4");
    await expect(pushImage({ image, destination: second })).rejects.toMatchObject({
      message: `docker has no image "${image}" to push`,
    });
    await pushImage({ image, destination: second, file, env: loggedIn() });
    expect(await registry.tags("team/migctl")).toContain("1.2.4-amd64");
    await removeImages(second);
  });
});
