import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { provideGoProgram } from "./build.ts";
import { makeCertificates } from "./certificates.ts";
import * as components from "./components.ts";
import { writeConfiguration } from "./configuration.ts";
import { type Daemon, daemonNames, isRunning, logTail, startDaemon } from "./daemon.ts";
import { down } from "./down.ts";
import { loadPauseImage } from "./images.ts";
import { kubectl } from "./kubectl.ts";
import { provisionerFolder } from "./leftovers.ts";
import { locked } from "./lock.ts";
import { makeNetwork } from "./network.ts";
import { clusterObjects } from "./objects.ts";
import { missingForCluster } from "./requirements.ts";
import {
  clusterVersion,
  containerdSocket,
  network,
  nodeName,
  paths,
  ports,
  runFolder,
  stateFolder,
} from "./settings.ts";

/** Where the cluster is, and whether this call has started it. */
export interface Up {
  kubeconfig: string;
  started: boolean;
}

/** Brings the cluster up, unless it is; what an earlier one left behind is cleared away first. */
export async function up(): Promise<Up> {
  const missing = await missingForCluster();
  if (missing) throw new Error(missing);
  return locked(async () => {
    if (await isUp()) return { kubeconfig: paths.kubeconfig, started: false };
    await down();
    try {
      await start();
    } catch (error) {
      await down().catch(() => undefined);
      throw error;
    }
    return { kubeconfig: paths.kubeconfig, started: true };
  });
}

export async function isUp(): Promise<boolean> {
  if (!existsSync(paths.ready)) return false;
  if (JSON.parse(readFileSync(paths.ready, "utf8")).version !== clusterVersion) return false;
  return daemonNames().every(isRunning) && isNodeReady();
}

async function start(): Promise<void> {
  // One after the other, as each build takes all cores.
  const kubernetes = await provideGoProgram("kubernetes");
  const programs = { kubernetes, coredns: await provideGoProgram("coredns") };
  mkdirSync(stateFolder, { recursive: true, mode: 0o711 });
  mkdirSync(runFolder, { recursive: true, mode: 0o711 });
  writeFileSync(paths.owner, stateFolder);
  writeConfiguration();
  // Otherwise the provisioner's volumes would stay behind in /tmp.
  if (!existsSync(provisionerFolder)) symlinkSync(paths.volumes, provisionerFolder);
  await Promise.all([makeCertificates(), makeNetwork()]);
  startDaemon(components.etcd());
  startDaemon(components.containerd());
  await startAndAwait(components.apiServer(programs), () => isReady("/readyz"));
  startDaemon(components.controllerManager(programs));
  startDaemon(components.scheduler(programs));
  await until("containerd", async () => existsSync(containerdSocket));
  await loadPauseImage();
  startDaemon(components.proxy(programs));
  startDaemon(components.kubelet(programs));
  await kubectl(paths.kubeconfig, ["apply", "-f", "-"], { input: objectList() });
  await startAndAwait(components.dns(programs), isDnsReady);
  await until("kubelet", isNodeReady);
  await until("kube-controller-manager", hasServiceAccount);
  writeFileSync(paths.ready, JSON.stringify({ version: clusterVersion }));
}

async function startAndAwait(daemon: Daemon, isDone: () => Promise<boolean>): Promise<void> {
  startDaemon(daemon);
  await until(daemon.name, isDone);
}

async function until(name: string, isDone: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(200)) {
    if (await isDone()) return;
    if (!isRunning(name)) break;
  }
  throw new Error(`Cannot start ${name}, its log ends:\n${logTail(name)}`);
}

function isReady(path: string): Promise<boolean> {
  return succeeds(["get", "--raw", path]);
}

async function isDnsReady(): Promise<boolean> {
  const answer = await fetch(`http://${network.address}:${ports.dns}/ready`).catch(() => undefined);
  return answer?.ok ?? false;
}

async function isNodeReady(): Promise<boolean> {
  const condition = '{.status.conditions[?(@.type=="Ready")].status}';
  const args = ["get", "node", nodeName, "-o", `jsonpath=${condition}`, "--request-timeout=5s"];
  return (await kubectl(paths.kubeconfig, args).catch(() => "")) === "True";
}

/** Until the controller has made it, no pod is admitted. */
function hasServiceAccount(): Promise<boolean> {
  return succeeds(["get", "serviceaccount", "default"]);
}

async function succeeds(args: string[]): Promise<boolean> {
  const done = kubectl(paths.kubeconfig, [...args, "--request-timeout=5s"]);
  return done.then(() => true).catch(() => false);
}

function objectList(): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: clusterObjects() });
}
