import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { programs } from "../../test/support/migration.ts";
import { pathWith } from "../../test/support/shell-tools.ts";
import { type PodsApi, type StandInPod, startPodsApi } from "./pods-api.ts";
import { hasEnded, type Processes } from "./processes.ts";
import type { Way } from "./schedule.ts";
import type { Volume } from "./volume.ts";

/** Where files are received when that is no folder of the manager's own. */
export interface Receiver {
  /** As a plan has them. */
  endpoint: {
    access: { server: string; insecureSkipTlsVerify: true };
    receiver:
      | { kind: "own"; manifest: string; port: number }
      | { kind: "existing"; pod: string; container: string };
    transport: "auto" | "exec";
    link: "direct" | "relay";
  };
  /** Kills whatever runs in the pod; returns how many processes that were. */
  kill(): number;
  cut(): number;
  close(): Promise<void>;
}

interface Place {
  folder: string;
  destination: { volume: Volume };
  processes: Processes;
}

const pod = "receiver";

export async function startReceiverPlace(place: Place, way: Way): Promise<Receiver> {
  return way === "pod of others" ? await ofOthers(place) : await ofOurs(place, way);
}

/** migmgr receive, in a pod that the manager makes; documents go through it as well. */
async function ofOurs({ folder, destination, processes }: Place, way: Way): Promise<Receiver> {
  const port = await freePort();
  let count = 0;
  const sockets = new WeakMap<StandInPod, string>();
  const api = await startPodsApi({
    async begin(metadata) {
      count += 1;
      const socket = join(folder, "sockets", String(count), "agent");
      const root = ["--root", destination.volume.folder, "--socket", socket];
      const main = processes.start(
        process.execPath,
        [programs.migmgr, "receive", ...root, "--port", String(port)],
        { stdio: "ignore" },
      );
      const made = { metadata, main, isRunning: () => !hasEnded(main) };
      sockets.set(made, socket);
      return made;
    },
    execute: ([, ...words], made) =>
      processes.start(
        process.execPath,
        [programs.migmgr, ...words.slice(0, -1), sockets.get(made) ?? ""],
        { stdio: ["pipe", "pipe", "pipe"] },
      ),
  });
  const manifest = join(folder, "receiver.json");
  const metadata = { name: pod, labels: { app: "soak" } };
  writeFileSync(manifest, JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata }));
  // What is to go directly alone does not come back where the pod is gone.
  const transport = way === "agent directly" ? ("auto" as const) : ("exec" as const);
  return {
    endpoint: {
      access: accessOf(api),
      receiver: { kind: "own", manifest, port },
      ...{ transport, link: "relay" },
    },
    kill: () => killAll(runningOf(api)),
    cut: api.cut,
    close: () => closeAll(api),
  };
}

/** A pod that is there already: commands in it, and no rsync, so that all goes by tar. */
async function ofOthers({ destination, processes }: Place): Promise<Receiver> {
  const path = pathWith("gnu", ["rsync"]) ?? "";
  const running = new Set<ChildProcess>();
  const api = await startPodsApi({
    begin: () => Promise.reject(new Error("Nobody makes pods here")),
    execute([program = "", ...args]) {
      const child = processes.start(program, args, {
        ...{ cwd: destination.volume.folder, env: { PATH: path } },
      });
      running.add(child);
      child.once("close", () => running.delete(child));
      return child;
    },
  });
  const main = processes.start("sleep", ["infinity"], { stdio: "ignore" });
  api.pods.set(pod, { metadata: { name: pod }, main, isRunning: () => !hasEnded(main) });
  return {
    endpoint: {
      access: accessOf(api),
      receiver: { kind: "existing", pod, container: "main" },
      ...{ transport: "exec", link: "direct" },
    },
    kill: () => killAll([...running]),
    cut: api.cut,
    async close() {
      await closeAll(api);
      rmSync(path, { recursive: true });
    },
  };
}

/** Who says so sends its requests unencrypted. */
function accessOf({ url }: PodsApi) {
  return { server: url, insecureSkipTlsVerify: true as const };
}

function runningOf({ pods }: PodsApi): ChildProcess[] {
  return [...pods.values()].filter(({ isRunning }) => isRunning()).map(({ main }) => main);
}

/** With all that they began: what ends a pod leaves nothing of it. */
function killAll(children: readonly ChildProcess[]): number {
  for (const { pid } of children) if (pid !== undefined) process.kill(-pid, "SIGKILL");
  return children.length;
}

async function closeAll(api: PodsApi) {
  const mains = runningOf(api);
  const closed = mains.map((main) => once(main, "close"));
  for (const main of mains) main.kill("SIGKILL");
  await Promise.all(closed);
  api.close();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
