import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { KubeObject } from "../../src/kube/resource.ts";
import { provideGoProgram } from "../../tools/cluster/build.ts";
import { inCluster, loadImage, type OwnImage, unloadImage } from "../../tools/cluster/images.ts";
import { kubectl } from "../../tools/cluster/kubectl.ts";
import type { ClusterOffer } from "./cluster-offer.ts";

/** A cluster; its words are kubectl's, whose code is not ours. */
export interface TestCluster {
  kubeconfig: string;
  /** On this machine: images can be handed to its node, volumes be looked at. */
  isLocal: boolean;
  /** Runs kubectl and returns what it printed; rejects with what it complained of. */
  kubectl(...args: string[]): Promise<string>;
  apply(...objects: KubeObject[]): Promise<void>;
  get(kind: string, name: string, namespace?: string): Promise<KubeObject>;
  list(kind: string, namespace?: string, selector?: string): Promise<KubeObject[]>;
  /** Waits for one ("pod/name") or all ("pod"): "condition=Ready", "delete", "jsonpath=…". */
  wait(namespace: string, what: string, condition: string): Promise<void>;
  /** Runs a command in a pod ("pod/name", "deployment/name") and returns what it printed. */
  exec(namespace: string, target: string, ...command: string[]): Promise<string>;
  /** Forwards a free port of 127.0.0.1 to a port of a pod, whose own loopback it then is. */
  forward(namespace: string, target: string, port: number): Promise<Forwarding>;
  /** Hands an image that Docker has, or that the test bed makes, to the node. */
  loadImage(image: string | OwnImage): Promise<void>;
  /** Takes an image from the node, for what happens where it lacks one. */
  unloadImage(tag: string): Promise<void>;
}

interface Forwarding {
  port: number;
  stop(): Promise<void>;
}

/** The cluster of an offer; throws where there is none. */
export function openCluster(offer: ClusterOffer): TestCluster {
  if (offer.missing !== undefined) throw new Error(offer.missing);
  const { kubeconfig, kind } = offer;
  const run = (args: string[], input?: string) =>
    kubectl(kubeconfig, args, input === undefined ? {} : { input });
  return {
    kubeconfig,
    isLocal: kind === "local",
    kubectl: (...args) => run(args),
    async apply(...items) {
      await run(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    },
    async get(kind, name, namespace) {
      return KubeObject.parse(JSON.parse(await run(["get", kind, name, ...output(namespace)])));
    },
    async list(kind, namespace, selector) {
      const chosen = selector === undefined ? [] : ["-l", selector];
      const found = await run(["get", kind, ...output(namespace), ...chosen]);
      return JSON.parse(found).items.map((item: unknown) => KubeObject.parse(item));
    },
    async wait(namespace, what, condition) {
      const which = what.includes("/") ? [what] : [what, "--all"];
      try {
        await run(["wait", "-n", namespace, ...which, `--for=${condition}`, "--timeout=110s"]);
      } catch (cause) {
        const state = await run(["get", "pods,events", "-n", namespace]);
        throw new Error(`${what} in ${namespace} is not ${condition}:\n${state}`, { cause });
      }
    },
    exec: (namespace, target, ...command) =>
      run(["exec", "-n", namespace, target, "--", ...command]),
    forward: (namespace, target, port) => forward(kubeconfig, namespace, [target, String(port)]),
    async loadImage(image) {
      if (kind !== "local") throw new Error("Cannot load an image into an existing cluster");
      await (typeof image === "string" ? loadImage(image) : inCluster(image));
    },
    unloadImage,
  };
}

/** A name that no other test and no other run has. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString("hex")}`;
}

function output(namespace: string | undefined): string[] {
  return ["-o", "json", ...(namespace === undefined ? [] : ["-n", namespace])];
}

async function forward(
  kubeconfig: string,
  namespace: string,
  [target = "", port = ""]: string[],
): Promise<Forwarding> {
  const program = await provideGoProgram("kubernetes");
  const where = [`--kubeconfig=${kubeconfig}`, "-n", namespace, "--address=127.0.0.1"];
  const child = spawn(program, ["kubectl", "port-forward", ...where, target, `:${port}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { port: await announcedPort(child), stop: () => stop(child) };
}

function announcedPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let told = "";
    const read = (text: string) => {
      told += text;
      const port = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(told)?.[1];
      if (port !== undefined) resolve(Number(port));
    };
    child.stdout?.setEncoding("utf8").on("data", read);
    child.stderr?.setEncoding("utf8").on("data", read);
    child.once("exit", () => reject(new Error(`Cannot forward a port: ${told}`)));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}
