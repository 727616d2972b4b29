import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = "/usr/sbin/sshd";

/** Why there can be no SSH server here; undefined where there can. */
export function missingSshd(): string | undefined {
  return existsSync(program) ? undefined : `No SSH server: ${program} is missing (openssh-server)`;
}

export interface RunningSshd {
  /** What `--source-ssh` takes. */
  target: string;
  /** Names a key that it accepts and its host key; other ones for the tests of what is refused. */
  config(changes?: { identity?: string; knownHosts?: string }): string;
  /** A key pair that the server does not know. */
  strangersKey: string;
  /** The right host and port with another server's key. */
  changedHosts: string;
  stop(): Promise<void>;
}

/** Starts an sshd of its own on a free port of 127.0.0.1, with all its files in `folder`. */
export async function startSshd(folder: string): Promise<RunningSshd> {
  const key = (name: string) => makeKey(join(folder, name));
  const [hostKey, userKey, strangersKey, otherHost] = ["host", "user", "stranger", "other"].map(
    key,
  );
  const port = await freePort();
  const config = join(folder, "sshd_config");
  writeFileSync(config, serverConfig({ port, hostKey: hostKey!, authorized: `${userKey}.pub` }));
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const child = spawn(program, ["-D", "-e", "-f", config], { stdio: "ignore" });
  await untilAnswering(child, port);
  const hosts = (name: string, of: string) => {
    const path = join(folder, name);
    writeFileSync(path, `[127.0.0.1]:${port} ${readFileSync(`${of}.pub`, "utf8")}`);
    return path;
  };
  const knownHosts = hosts("known_hosts", hostKey!);
  let count = 0;
  return {
    target: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    strangersKey: strangersKey!,
    changedHosts: hosts("changed_hosts", otherHost!),
    config(changes = {}) {
      const path = join(folder, `ssh_config.${++count}`);
      writeFileSync(path, clientConfig({ identity: userKey!, knownHosts, ...changes }));
      return path;
    },
    stop: () => stop(child),
  };
}

function makeKey(path: string): string {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
  return path;
}

function serverConfig(with_: { port: number; hostKey: string; authorized: string }): string {
  return [
    `Port ${with_.port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${with_.hostKey}`,
    `AuthorizedKeysFile ${with_.authorized}`,
    ...["PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no"],
    ...["PermitRootLogin prohibit-password", "AllowTcpForwarding local", ""],
  ].join("\n");
}

function clientConfig(with_: { identity: string; knownHosts: string }): string {
  return [
    "Host *",
    `IdentityFile ${with_.identity}`,
    ...["IdentitiesOnly yes", "IdentityAgent none", "GlobalKnownHostsFile /dev/null"],
    `UserKnownHostsFile ${with_.knownHosts}`,
    "",
  ].join("\n");
}

async function untilAnswering(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    if (await answers(port)) return;
    await sleep(50);
  }
  child.kill();
  throw new Error(`Cannot start ${program} on port ${port}`);
}

/** Whether anything listens on a port of 127.0.0.1. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill();
  await ended;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
