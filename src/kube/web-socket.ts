import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { type Action, apiError } from "./api-error.ts";
import { mayPass, networkError, wasNotReached } from "./network-error.ts";
import { PassingFailure, withRetries } from "./retry.ts";
import { readText, type Transport, withRenewal } from "./transport.ts";

export interface SocketRequest {
  path: string;
  query: URLSearchParams;
  /** The best first. */
  protocols: readonly string[];
  action: Action;
  /** Tried again also where the first attempt may have reached the other end. */
  isRepeatable: boolean;
  signal?: AbortSignal | undefined;
}

/** Opens a WebSocket to the API; it is paused, so that nothing is missed until it is listened to. */
export async function openWebSocket(
  transport: Transport,
  request: SocketRequest,
): Promise<WebSocket> {
  const { retries, login } = transport.options;
  return withRetries(retries, request.signal, () =>
    withRenewal(login, () => openOnce(transport, request)),
  );
}

async function openOnce(transport: Transport, request: SocketRequest): Promise<WebSocket> {
  const { login, agents, userAgent, timeoutMs } = transport.options;
  const { url, credentials } = await transport.prepare(request.path, request.query);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  const { signal } = request;
  const socket = new WebSocket(url, [...request.protocols], {
    ...credentials.tls,
    agent: agents.single,
    headers: { ...headerLines(credentials.headers), "user-agent": userAgent },
    handshakeTimeout: timeoutMs,
    perMessageDeflate: false,
    followRedirects: false,
  });
  const abort = () => socket.terminate();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await untilOpen(socket, request, login.server.origin);
    return socket;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** As `ws` takes them; what is there more than once stands in one line. */
function headerLines(headers: NodeJS.Dict<number | string | readonly string[]>) {
  const lines = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(lines.map(([name, value]) => [name, value as string]));
}

function untilOpen(socket: WebSocket, request: SocketRequest, server: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("open", () => {
    socket.pause();
    resolve();
  });
  socket.once("unexpected-response", (_, response: IncomingMessage) => {
    refusal(response, request.action, server).then(reject, reject);
  });
  // It stays: an error without a listener would end the process.
  socket.on("error", (error) => {
    const failure = networkError(error, server);
    const again = request.isRepeatable ? mayPass(error) : wasNotReached(error);
    reject(again ? new PassingFailure(failure) : failure);
  });
  return promise;
}

const passing = new Set([429, 502, 503, 504]);

async function refusal(response: IncomingMessage, action: Action, server: string): Promise<Error> {
  try {
    const status = response.statusCode ?? 0;
    const failure = apiError(status, await readText(response), action);
    return passing.has(status) ? new PassingFailure(failure) : failure;
  } catch (error) {
    return networkError(error, server);
  }
}
