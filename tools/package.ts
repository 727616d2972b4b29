import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";
import { programVersion } from "../src/core/version.ts";
import { makeBundle } from "./bundle.ts";
import { buildImage, imageFlags, ownArchitecture } from "./image.ts";

const root = resolve(import.meta.dirname, "..");

/** Fills `folder` with what a migration takes: the controller, the image, and how to run it there. */
async function makePackage(folder: string): Promise<void> {
  const { "base-image": baseImage, arch = ownArchitecture() } = flags;
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder)) {
    if (/^migctl-.*\.tar\.gz$/.test(old)) rmSync(join(folder, old));
  }
  const image = await buildImage({ baseImage, architecture: arch });
  const archive = `migctl-${programVersion}-${arch}.tar.gz`;
  await saveImage(image, join(folder, archive));
  await makeBundle(join(folder, "migctl.mjs"));
  const script = readFileSync(join(root, "packaging/migctl.sh"), "utf8");
  writeFileSync(join(folder, "migctl.sh"), script.replaceAll("@VERSION@", programVersion), {
    mode: 0o755,
  });
  const files = ["THIRD-PARTY-NOTICES.txt", archive, "migctl.mjs", "migctl.sh"];
  const sums = await Promise.all(files.map((file) => sumLine(folder, file)));
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
  for (const file of [...files, "SHA256SUMS"]) tell(folder, file);
}

/** As `docker save IMAGE | gzip -n`. */
async function saveImage(image: string, file: string): Promise<void> {
  const docker = spawn("docker", ["save", image], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(docker, "close");
  await pipeline(docker.stdout, createGzip({ level: 9 }), createWriteStream(file));
  const [code] = await ended;
  if (code !== 0) throw new Error(`docker save ended with ${code}`);
}

async function sumLine(folder: string, file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(join(folder, file)), hash);
  return `${hash.digest("hex")}  ${file}\n`;
}

function tell(folder: string, file: string) {
  const mib = statSync(join(folder, file)).size / 1024 / 1024;
  process.stdout.write(`${join(folder, file)}  ${mib.toFixed(1)} MiB\n`);
}

const { values: flags, positionals } = parseArgs({ options: imageFlags, allowPositionals: true });
if (flags.help) {
  process.stdout.write("npm run package [-- --base-image IMAGE --arch ARCH FOLDER]\n");
} else {
  await makePackage(positionals[0] ?? "dist");
}
