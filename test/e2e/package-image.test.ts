import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readImageArchive } from "../../src/controller/image/archive.ts";
import { imageFor } from "../../src/controller/image/name.ts";
import { programVersion } from "../../src/core/version.ts";
import { baseImage } from "../../tools/cluster/base-image.ts";
import { ownArchitecture } from "../../tools/image.ts";
import { missingDocker, removeImages } from "../support/docker.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const missing = await missingDocker();
if (missing !== undefined && !process.env["CI"]) process.stderr.write(`${missing}\n`);

/** As OpenShift's restricted-v2 starts a pod. */
const restricted = [
  ...["run", "--rm", "--user", "1000690000:0", "--read-only", "--tmpfs", "/tmp"],
  ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none"],
];

describe.skipIf(missing !== undefined && !process.env["CI"])("the package", () => {
  const architecture = ownArchitecture();
  const image = imageFor({ architecture, version: programVersion });
  const archive = `migctl-${programVersion}-${architecture}.tar.gz`;
  let folder: string;
  let dist: string;

  beforeAll(async () => {
    folder = makeDir();
    dist = join(folder, "dist");
    await execa("node", ["tools/package.ts", "--base-image", await baseImage(), dist]);
  }, 600_000);
  afterAll(() => removeTree(folder));

  function inImage(...command: string[]) {
    return execa("docker", [...restricted, image, ...command], { reject: false });
  }

  it("is the controller, the image, and a way to run the one out of the other", async () => {
    const { stdout } = await execa("sha256sum", ["-c", "SHA256SUMS"], { cwd: dist });
    const files = ["THIRD-PARTY-NOTICES.txt", archive, "migctl.mjs", "migctl.sh"];
    expect(stdout.split("\n")).toEqual(files.map((file) => `${file}: OK`));
    const names = await readImageArchive(join(dist, archive));
    expect(names).toEqual({ names: [image], architecture });
  });

  it("is small", async () => {
    const format = ["image", "inspect", "--format", "{{.Size}}", image];
    const size = Number((await execa("docker", format)).stdout) / 1e6;
    const packed = statSync(join(dist, archive)).size / 1e6;
    process.stderr.write(`The image: ${size.toFixed(0)} MB, packed ${packed.toFixed(0)} MB\n`);
    expect(size).toBeLessThan(260);
    expect(packed).toBeLessThan(110);
  });

  it.each(["migmgr", "migctl"])("runs %s as any user, without rights, alone", async (program) => {
    const { exitCode, stdout } = await inImage(program, "--version");
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: programVersion });
  });

  it("has what the manager calls, under an init that passes the exit code on", async () => {
    const script = "rsync --version && tar --version && cat /proc/1/comm; exit 3";
    const { exitCode, stdout } = await inImage("sh", "-c", script);
    expect(stdout).toMatch(/^rsync {2}version 3/);
    expect(stdout).toContain("tar (GNU tar)");
    expect(stdout).toMatch(/\ntini$/);
    expect(exitCode).toBe(3);
  });

  it("has no other MongoDB program, no package manager of Node.js, nothing with another's rights", async () => {
    const { stdout } = await inImage(
      ...["find", "/", "-xdev", "(", "-name", "mongo*", "-o", "-name", "bsondump*", "-o"],
      ...["-name", "npm", "-o", "-name", "yarn*", "-o", "-perm", "/6000", "-type", "f", ")"],
    );
    expect(stdout).toBe("");
  });

  it("writes nowhere but where it is told", async () => {
    const writable = ["find", "/", "-xdev", "-writable", "!", "-type", "l"];
    const asAnyone = ["run", "--rm", "--user", "1000690000:0", "--network", "none", image];
    const { stdout } = await execa("docker", [...asAnyone, ...writable], { reject: false });
    const places = stdout.split("\n").filter((path) => !/^\/(?:proc|dev)(?:\/|$)/.test(path));
    expect(places.sort()).toEqual(["/run/lock", "/tmp", "/var/tmp"]);
  });

  it("says who it is", async () => {
    const format = ["image", "inspect", "--format", "{{json .Config}}", image];
    const config = JSON.parse((await execa("docker", format)).stdout);
    expect(config).toMatchObject({
      User: "1001:0",
      Entrypoint: ["/usr/bin/tini", "--"],
      Labels: {
        "org.opencontainers.image.title": "migctl",
        "org.opencontainers.image.version": programVersion,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    });
  });

  it("is refused for a base image of another architecture", async () => {
    const other = architecture === "amd64" ? "arm64" : "amd64";
    const { stdout, exitCode } = await execa(
      "docker",
      [
        ...["build", "--force-rm", "--build-arg", `BASE_IMAGE=${await baseImage()}`],
        ...["--build-arg", `TARGETARCH=${other}`, "--tag", "localhost/migctl-test-refused", "."],
      ],
      { reject: false, cwd: contextWithBundle() },
    );
    expect(exitCode).not.toBe(0);
    expect(stdout).toContain(`The base image is for ${architecture}, not for ${other}`);
  });

  function contextWithBundle(): string {
    const context = join(folder, "context");
    mkdirSync(context);
    for (const name of ["Dockerfile", "LICENSE"]) {
      writeFileSync(join(context, name), readFileSync(name));
    }
    mkdirSync(join(context, "packaging"));
    for (const name of ["prepare-root.sh", "migmgr"]) {
      writeFileSync(join(context, "packaging", name), readFileSync(join("packaging", name)));
    }
    for (const name of ["migctl.mjs", "THIRD-PARTY-NOTICES.txt"]) {
      writeFileSync(join(context, name), readFileSync(join(dist, name)));
    }
    return context;
  }

  describe("migctl.sh", () => {
    const isRoot = process.getuid?.() === 0;
    const socket = "/var/run/docker.sock";
    /** Somebody who may talk to Docker, and no more. */
    const caller = isRoot ? { uid: 4711, gid: statSync(socket).gid } : {};
    let home: string;

    beforeAll(async () => {
      await removeImages(image);
      home = join(folder, "home of one");
      for (const name of [".kube", "work", "more"])
        mkdirSync(join(home, name), { recursive: true });
      writeFileSync(join(home, "ca.crt"), "the authority\n");
      const config = 'clusters:\n- cluster:\n    certificate-authority: "../ca.crt"\n';
      writeFileSync(join(home, ".kube", "config"), config);
      if (isRoot) await execa("chown", ["-R", `${caller.uid}:${caller.gid}`, home]);
      await execa("chmod", ["711", folder]);
    });
    afterAll(() => removeImages(probe));

    function script(words: string[], env: Record<string, string> = {}) {
      const options = { cwd: join(home, "work"), env: { HOME: home, ...env }, reject: false };
      return execa(join(dist, "migctl.sh"), words, { ...options, ...caller });
    }

    it("loads the image beside it, once, and runs migctl", async () => {
      const first = await script(["--version"]);
      expect(first).toMatchObject({ exitCode: 0, stdout: programVersion });
      expect(first.stderr).toContain("Loaded image");
      expect(await script(["--version"])).toMatchObject({ exitCode: 0, stderr: "" });
    });

    it("passes words and exit codes on as they are", async () => {
      const { exitCode, stderr } = await script(["status", "--source-dir", "/a b/$HOME*"]);
      expect(stderr).toContain('"/a b/$HOME*/logs/migrations"');
      expect(exitCode).toBe(2);
    });

    it("shows the kubeconfig, the current folder and the variables, as the same user", async () => {
      await makeProbe();
      const recorder = join(folder, "recorder");
      const record = join(folder, "record");
      mkdirSync(recorder);
      writeFileSync(record, "", { mode: 0o666 });
      await execa("chmod", ["666", record]);
      const { stdout: docker } = await execa("which", ["docker"]);
      const recording = `#!/bin/sh\nprintf '%s\\n' "$@" >> '${record}'\nexec ${docker} "$@"\n`;
      writeFileSync(join(recorder, "docker"), recording, { mode: 0o755 });
      const { stdout, stderr } = await script(["two words"], {
        PATH: `${recorder}:${process.env["PATH"]}`,
        MIGCTL_SH_IMAGE: probe,
        MIGCTL_SH_MOUNT: join(home, "more"),
        MIGCTL_SOURCE_DIR: "canary dir",
        HTTPS_PROXY: "http://user:canary@proxy",
        OTHER: "canary",
      });
      const [uid, gid] = [caller.uid ?? process.getuid?.(), caller.gid ?? process.getgid?.()];
      expect(stderr).toBe("");
      expect(stdout.split("\n")).toEqual([
        ...["two words", `${uid}:${gid}`, join(home, "work"), join(home, ".kube", "config")],
        ...["canary dir", "http://user:canary@proxy", "none", "none", "the authority"],
        ...["read-only", ".kube", "ca.crt", "more", "work"],
      ]);
      for (const name of ["work", "more"]) {
        expect(statSync(join(home, name, "mine"))).toMatchObject({ uid, gid });
      }
      const words = readFileSync(record, "utf8");
      expect(words).toContain("HTTPS_PROXY\n");
      expect(words).not.toContain("canary");
    });

    const probe = "localhost/migctl-test-probe:1";

    /** An image whose migctl tells what it sees. */
    async function makeProbe() {
      const context = join(folder, "probe");
      mkdirSync(context);
      const questions = [
        "#!/bin/sh",
        'printf "%s\\n" "$@" "$(id -u):$(id -g)" "$PWD" "$KUBECONFIG" "$MIGCTL_SOURCE_DIR"',
        'printf "%s\\n" "$HTTPS_PROXY"',
        "printenv MIGCTL_SH_MOUNT || echo none; printenv OTHER || echo none",
        'cd "$(dirname "$KUBECONFIG")/.." && cat ca.crt && touch work/mine more/mine',
        '(echo x >> "$KUBECONFIG") 2>/dev/null || echo read-only',
        "ls -A",
      ];
      writeFileSync(join(context, "migctl"), questions.join("\n"), { mode: 0o755 });
      const dockerfile = `FROM ${await baseImage()}\nCOPY migctl /usr/local/bin/migctl\n`;
      writeFileSync(join(context, "Dockerfile"), dockerfile);
      await execa("docker", ["build", "--tag", probe, context]);
    }

    it("says what is missing", async () => {
      const bare = join(folder, "bare");
      mkdirSync(bare);
      for (const name of ["sh", "uname", "dirname", "grep", "sed", "env", "id"]) {
        symlinkSync((await execa("which", [name])).stdout, join(bare, name));
      }
      const alone = await script(["--version"], { PATH: bare });
      expect(alone.exitCode).toBe(5);
      expect(alone.stderr).toContain("Error: neither docker nor podman answers");
      const nothing = { MIGCTL_SH_IMAGE: "localhost/nothing:1", MIGCTL_SH_ARCHIVE: "/nothing" };
      const { stderr } = await script(["--version"], nothing);
      expect(stderr).toContain("there is no image localhost/nothing:1, and no archive /nothing");
    });

    it("is what shellcheck accepts", async (context) => {
      const { failed, code } = await execa("shellcheck", ["--version"], { reject: false });
      if (failed && code === "ENOENT" && !process.env["CI"]) context.skip("no shellcheck here");
      const scripts = ["migctl.sh", "migmgr", "prepare-root.sh"].map((name) => `packaging/${name}`);
      const { stdout } = await execa("shellcheck", ["--shell=sh", ...scripts], { reject: false });
      expect(stdout).toBe("");
    });
  });
});
