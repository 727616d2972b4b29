import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

const program = "docker-registry";

/** Why there can be no image registry here; undefined where there can. */
export async function missingRegistry(): Promise<string | undefined> {
  const { code } = await execa(program, ["--version"], { reject: false });
  return code === "ENOENT" ? `No image registry: ${program} is missing` : undefined;
}

export interface RunningRegistry {
  /** Host and port, as the name of an image begins. */
  host: string;
  /** The tags of a repository. */
  tags(repository: string): Promise<string[]>;
  stop(): Promise<void>;
}

/** Who may use the registry. */
const registryUser = { name: "somebody", password: "canary" };

/** The password's bcrypt hash. */
const passwordFile = `${registryUser.name}:$2b$04$abcdefghijklmnopqrstuuDID1/tx.qq/9b0XGGVoFA5x6CWhZpGW\n`;

/** Starts a registry on a free port of 127.0.0.1 that wants a log-in. */
export async function startRegistry(folder: string): Promise<RunningRegistry> {
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(folder, "registry.json");
  const settings = {
    version: "0.1",
    storage: { filesystem: { rootdirectory: join(folder, "registry") } },
    http: { addr: host },
    auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } },
  };
  writeFileSync(settings.auth.htpasswd.path, passwordFile);
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(settings));
  const child = spawn(program, ["serve", config], { stdio: "ignore" });
  const ended = once(child, "exit");
  const authorization = `Basic ${registryAuth()}`;
  const ask = (path: string) => fetch(`http://${host}/v2/${path}`, { headers: { authorization } });
  for (let tries = 0; !(await ask("").catch(() => undefined))?.ok; tries += 1) {
    if (child.exitCode !== null || tries > 500) throw new Error("The registry does not start");
    await sleep(20);
  }
  return {
    host,
    async tags(repository) {
      const answer = await ask(`${repository}/tags/list`);
      if (!answer.ok) return [];
      const { tags } = (await answer.json()) as { tags: string[] };
      return tags;
    },
    async stop() {
      child.kill();
      await ended;
    },
  };
}

/** As docker's configuration keeps a log-in. */
export function registryAuth(): string {
  return Buffer.from(`${registryUser.name}:${registryUser.password}`).toString("base64");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("No port is free");
  return address.port;
}
