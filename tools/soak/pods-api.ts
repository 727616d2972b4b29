import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { WebSocketServer } from "ws";
import { serveExec } from "./serve-exec.ts";

/** A pod, as far as the manager looks at it. */
export interface StandInPod {
  metadata: { name: string; labels?: Record<string, string> };
  /** Its one container. */
  main: ChildProcess;
  isRunning(): boolean;
}

export interface PodsApi {
  url: string;
  pods: Map<string, StandInPod>;
  /** Cuts the streams of all commands; returns how many there were. */
  cut(): number;
  close(): void;
}

export interface PodsApiOptions {
  /** Begins the container of a pod that somebody makes. */
  begin(metadata: StandInPod["metadata"]): Promise<StandInPod>;
  /** Runs a command as in the pod's container. */
  execute(command: readonly string[], pod: StandInPod): ChildProcess;
}

/**
 * Stands for the API of the destination's cluster, with pods that are processes of this machine:
 * what the manager does with it, it does as with a real one.
 */
export async function startPodsApi({ begin, execute }: PodsApiOptions): Promise<PodsApi> {
  const pods: PodsApi["pods"] = new Map();
  const server = createServer((request, response) => {
    answer(request, { pods, begin }).then(
      ({ status, body }) => reply(response, status, body),
      (error: unknown) => reply(response, 500, refusal(500, String(error))),
    );
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    const { name, query } = read(request);
    const pod = pods.get(name ?? "");
    if (pod === undefined || !pod.isRunning()) {
      socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) =>
      serveExec(opened, execute(query.getAll("command"), pod)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  function cut() {
    const { size } = sockets.clients;
    for (const client of sockets.clients) client.terminate();
    return size;
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pods,
    cut,
    close() {
      cut();
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Answer {
  status: number;
  body: unknown;
}

type State = Pick<PodsApi, "pods"> & Pick<PodsApiOptions, "begin">;

async function answer(request: IncomingMessage, { pods, begin }: State): Promise<Answer> {
  const { resource, name } = read(request);
  if (resource === "events") return { status: 200, body: list("Event", []) };
  // As to an account that has been given no more than it needs.
  if (resource !== "pods") return { status: 403, body: refusal(403, "It may see pods alone") };
  if (request.method === "POST") {
    const { metadata } = (await json(request)) as Pick<StandInPod, "metadata">;
    const pod = await begin(metadata);
    pods.set(metadata.name, pod);
    return { status: 201, body: shown(pod) };
  }
  if (name === undefined) return { status: 200, body: list("Pod", [...pods.values()].map(shown)) };
  const pod = pods.get(name);
  if (pod === undefined)
    return { status: 404, body: refusal(404, `pods "${name}" not found`, name) };
  if (request.method === "DELETE") {
    if (pod.isRunning()) {
      pod.main.kill("SIGKILL");
      await once(pod.main, "close");
    }
    pods.delete(name);
  }
  return { status: 200, body: shown(pod) };
}

/** /api/v1/namespaces/NAMESPACE/pods/NAME/exec?command=... */
function read({ url = "" }: IncomingMessage) {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const [resource = "", name] = pathname.split("/").slice(5);
  return { resource, name, query: searchParams };
}

function shown({ metadata, main, isRunning }: StandInPod) {
  const state = isRunning() ? { running: {} } : { terminated: { exitCode: 137 } };
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: {
      ...metadata,
      namespace: "soak",
      uid: `uid-${main.pid}`,
      resourceVersion: "1",
    },
    spec: { containers: [{ name: "main" }] },
    status: {
      ...{ phase: isRunning() ? "Running" : "Failed", podIP: "127.0.0.1" },
      containerStatuses: [
        { name: "main", ready: isRunning(), started: isRunning(), restartCount: 0, state },
      ],
    },
  };
}

function list(kind: string, items: unknown[]) {
  return { apiVersion: "v1", kind: `${kind}List`, metadata: { resourceVersion: "1" }, items };
}

function refusal(code: number, message: string, name?: string) {
  const reason = { 403: "Forbidden", 404: "NotFound" }[code] ?? "InternalError";
  const details = { kind: "pods", name };
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details };
}

function reply(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
