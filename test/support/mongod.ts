import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { type MongodVersion, mongodEnvironment, provideMongod } from "./mongod-binary.ts";
import { connectionUri, prepareServer, writeKeyFile } from "./mongod-setup.ts";

export interface MongodOptions {
  version: MongodVersion;
  /** Creates `appUser`, the user that the application and the tool log in as. */
  auth?: boolean;
  /** Starts a replica set of one node by this name and waits until it is primary. */
  replicaSet?: string;
  /** Admits `configureFailPoint`; on unless said otherwise. */
  testCommands?: boolean;
  extraArgs?: string[];
  /** Of the storage engine's cache, in place of the little that most tests need. */
  cacheGigabytes?: number;
  /** A folder that is kept; without it a temporary one is made and removed. */
  dbPath?: string;
  port?: number;
}

export interface RunningMongod {
  /** Logs in as `appUser` where there is authentication. */
  readonly uri: string;
  /** Logs in with all rights (fail points, other databases) where there is authentication. */
  readonly adminUri: string;
  readonly port: number;
  /** Changes with `restart`. */
  readonly pid: number;
  readonly dbPath: string;
  readonly logPath: string;
  /** Ends the server for good and removes its temporary folder. */
  stop(): Promise<void>;
  /** Kills the server as a crash does; `restart` brings it back. */
  kill9(): Promise<void>;
  /** Starts the server again on the same port and data, ending it first where it runs. */
  restart(): Promise<void>;
}

interface Server {
  child: ChildProcess;
  port: number;
  dbPath: string;
  temporary: boolean;
  options: MongodOptions;
  mongod: string;
}

const startMs = 60_000;
const stopMs = 30_000;
const running = new Set<Server>();
let watching = false;

/** Starts a mongod of its own on a free port of 127.0.0.1 and waits until it is usable. */
export async function startMongod(options: MongodOptions): Promise<RunningMongod> {
  const mongod = await provideMongod(options.version);
  const server = await launchSomewhere(mongod, options);
  const access = { port: server.port, ...pick(options) };
  try {
    await prepareServer(access);
  } catch (error) {
    await stop(server);
    throw error;
  }
  return {
    uri: connectionUri(access, "app"),
    adminUri: connectionUri(access, "root"),
    port: server.port,
    dbPath: server.dbPath,
    logPath: logPath(server),
    get pid() {
      return server.child.pid!;
    },
    stop: () => stop(server),
    kill9: () => end(server, "SIGKILL"),
    restart: () => restart(server),
  };
}

function pick({ auth, replicaSet }: MongodOptions) {
  return { auth: auth ?? false, replicaSet };
}

/** Another program may take the free port between looking and listening: then another try. */
async function launchSomewhere(mongod: string, options: MongodOptions): Promise<Server> {
  const dbPath = options.dbPath ?? mkdtempSync(join(tmpdir(), "migctl-mongod-"));
  await mkdir(dbPath, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const temporary = !options.dbPath;
    const child = launch(mongod, { port, dbPath, options });
    const server = { child, port, dbPath, temporary, options, mongod };
    register(server);
    try {
      await untilAnswering(server);
      return server;
    } catch (error) {
      await end(server, "SIGKILL");
      if (options.port || attempt === 3 || !readLog(server).includes("in use")) {
        cleanUp(server);
        throw error;
      }
    }
  }
}

function launch(mongod: string, at: { port: number; dbPath: string; options: MongodOptions }) {
  const { port, dbPath, options } = at;
  const args = ["--port", String(port), "--bind_ip", "127.0.0.1", "--dbpath", dbPath];
  args.push("--logpath", logPath(at), "--logappend", "--nounixsocket");
  args.push(
    "--wiredTigerCacheSizeGB",
    String(options.cacheGigabytes ?? 0.25),
    "--setParameter",
    "diagnosticDataCollectionEnabled=0",
  );
  if (options.testCommands ?? true) args.push("--setParameter", "enableTestCommands=1");
  if (options.replicaSet) args.push("--replSet", options.replicaSet, "--oplogSize", "64");
  if (options.auth) args.push("--auth");
  if (options.auth && options.replicaSet) args.push("--keyFile", writeKeyFile(dbPath));
  args.push(...(options.extraArgs ?? []));
  const [command, ...before] = dieWithParent();
  return spawn(command ?? mongod, command ? [...before, mongod, ...args] : args, {
    stdio: "ignore",
    env: { ...process.env, ...mongodEnvironment(mongod) },
  });
}

/** Where the system has it, the kernel ends mongod with this process, even if that is killed. */
export function dieWithParent(): string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const setpriv = folders.map((folder) => join(folder, "setpriv")).find((path) => existsSync(path));
  return setpriv && process.platform === "linux" ? [setpriv, "--pdeathsig", "KILL", "--"] : [];
}

async function untilAnswering(server: Server): Promise<void> {
  const deadline = Date.now() + startMs;
  while (Date.now() < deadline && !hasEnded(server.child)) {
    if (await answers(server.port)) return;
    await sleep(50);
  }
  const tail = readLog(server).slice(-2000);
  throw new Error(`Cannot start ${server.mongod} on port ${server.port}, its log ends:\n${tail}`);
}

async function answers(port: number): Promise<boolean> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1000,
  });
  try {
    await client.db("admin").command({ ping: 1 });
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

async function restart(server: Server): Promise<void> {
  await end(server, "SIGTERM");
  server.child = launch(server.mongod, server);
  register(server);
  await untilAnswering(server);
  await prepareServer({ port: server.port, ...pick(server.options) });
}

/** Data that is thrown away needs no orderly end, which takes a replica set many seconds. */
async function stop(server: Server): Promise<void> {
  await end(server, server.temporary ? "SIGKILL" : "SIGTERM");
  cleanUp(server);
}

async function end(server: Server, signal: NodeJS.Signals): Promise<void> {
  const { child } = server;
  if (hasEnded(child)) {
    running.delete(server);
    return;
  }
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), stopMs);
  await ended;
  clearTimeout(timer);
  running.delete(server);
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function register(server: Server): void {
  running.add(server);
  server.child.on("error", () => running.delete(server));
  if (watching) return;
  watching = true;
  process.once("exit", () => {
    for (const each of running) {
      each.child.kill("SIGKILL");
      cleanUp(each);
    }
  });
}

function cleanUp(server: Server): void {
  if (server.temporary) rmSync(server.dbPath, { recursive: true, force: true, maxRetries: 3 });
}

function logPath({ dbPath }: { dbPath: string }): string {
  return join(dbPath, "mongod.log");
}

function readLog(server: Server): string {
  return existsSync(logPath(server)) ? readFileSync(logPath(server), "utf8") : "";
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
