import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { ServerAccess } from "../../src/kube/access.ts";
import type { Cluster } from "../../src/kube/cluster.ts";
import { type ConnectOptions, openCluster } from "../../src/kube/connect.ts";
import { listening } from "../support/proxies.ts";
import { tempDir } from "../support/temp-dir.ts";

/** Names that the certificate is made for; only the proxies of these tests know where they lead. */
export const apiHost = "api.example.test";

export interface ApiRig {
  port: number;
  access: ServerAccess;
  /** What came, in order. */
  requests: IncomingMessage[];
  tokenFile: string;
  setToken(token: string): void;
}

interface Handlers {
  /** The number counts from 1. */
  answer?: (request: IncomingMessage, response: ServerResponse, number: number) => void;
  socket?: (socket: WebSocket, request: IncomingMessage) => void;
  /** What the WebSocket server speaks; what it is first asked for unless said otherwise. */
  protocol?: string;
  /** A status instead of the upgrade; 0 cuts the connection. */
  refuseUpgrade?: (request: IncomingMessage, number: number) => number | undefined;
  /** Whether it answers pings. */
  autoPong?: boolean;
  /** Whether it asks for a client's certificate; any is taken. */
  clientCertificate?: boolean;
}

/** A TLS server that stands for an API server, for cases that a real one cannot be made to give. */
export async function startApi(handlers: Handlers): Promise<ApiRig> {
  const folder = tempDir();
  const { key, cert } = makeCertificate(folder);
  const requests: IncomingMessage[] = [];
  const asked = { requestCert: handlers.clientCertificate === true, rejectUnauthorized: false };
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert), ...asked });
  server.on("request", (request, response) => {
    requests.push(request);
    handlers.answer?.(request, response, requests.length);
  });
  const sockets = new WebSocketServer({
    noServer: true,
    autoPong: handlers.autoPong ?? true,
    handleProtocols: (offered) => handlers.protocol ?? [...offered][0] ?? false,
  });
  server.on("upgrade", (request, socket, head) => {
    requests.push(request);
    const status = handlers.refuseUpgrade?.(request, requests.length);
    if (status === 0) return void socket.destroy();
    if (status !== undefined) {
      const body = JSON.stringify({ kind: "Status", code: status, message: "refused by the test" });
      const length = `Content-Length: ${body.length}`;
      return void socket.end(`HTTP/1.1 ${status} Refused\r\n${length}\r\n\r\n${body}`);
    }
    sockets.handleUpgrade(request, socket, head, (opened) => handlers.socket?.(opened, request));
  });
  const port = await listening(server);
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    server.close();
  });
  const tokenFile = join(folder, "token");
  const setToken = (token: string) => writeFileSync(tokenFile, `${token}\n`);
  setToken("first-token");
  const access = { server: `https://127.0.0.1:${port}`, caFile: cert, tokenFile };
  return { port, access, requests, tokenFile, setToken };
}

/** A certificate that is its own authority, with its key. */
export function makeCertificate(folder: string, name = "api"): { key: string; cert: string } {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)] as const;
  const subject = ["-subj", `/O=testers/CN=${name}`];
  const names = ["-addext", `subjectAltName=IP:127.0.0.1,DNS:${apiHost}`];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
  execFileSync("openssl", [...request, ...subject, ...names, "-keyout", key, "-out", cert], {
    stdio: "ignore",
  });
  return { key, cert };
}

/** Opened for the running test, with waits that are short. */
export async function openFor(
  access: Parameters<typeof openCluster>[0],
  options: Partial<ConnectOptions> = {},
): Promise<Cluster> {
  const retries = { attempts: 4, firstWaitMs: 1, longestWaitMs: 5 };
  const cluster = await openCluster(access, { environment: {}, retries, ...options });
  onTestFinished(() => cluster.close());
  return cluster;
}

export function answerJson(response: ServerResponse, value: unknown, status = 200) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

/** As the API refuses. */
export function refuse(response: ServerResponse, code: number, reason: string, message = reason) {
  answerJson(response, { kind: "Status", status: "Failure", code, reason, message }, code);
}
