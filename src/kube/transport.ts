import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { MigrationError } from "../core/errors.ts";
import type { Agents } from "./agents.ts";
import { type Action, ApiError, apiError } from "./api-error.ts";
import type { Credentials, Login } from "./login.ts";
import { mayPass, networkError } from "./network-error.ts";
import { PassingFailure, type RetryPolicy, withRetries } from "./retry.ts";

interface ApiRequest {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: URLSearchParams;
  body?: unknown;
  contentType?: string;
  action: Action;
  /** Sent once more after a failure; all but POST unless said otherwise. */
  isRepeatable?: boolean;
  signal?: AbortSignal | undefined;
}

export interface TransportOptions {
  login: Login;
  agents: Agents;
  userAgent: string;
  /** Milliseconds for an answer with all of its body; for a stream, to its beginning. */
  timeoutMs: number;
  retries: RetryPolicy;
  /** Milliseconds for which a watch tries to get its connection back. */
  patienceMs: number;
}

/** Sends requests to one API server; all failures are MigrationErrors. */
export interface Transport {
  readonly options: TransportOptions;
  /** The answer's JSON. */
  json(request: ApiRequest): Promise<unknown>;
  /** An answer that goes on, as it comes. */
  stream(request: ApiRequest): Promise<IncomingMessage>;
  /** As of now, with the URL that a path has. */
  prepare(path: string, query?: URLSearchParams): Promise<{ url: URL; credentials: Credentials }>;
}

export function makeTransport(options: TransportOptions): Transport {
  const { login, retries } = options;
  const prefix = login.server.pathname.replace(/\/$/, "");
  const origin = login.server.origin;
  async function prepare(path: string, query?: URLSearchParams) {
    const url = new URL(`${prefix}${path}`, origin);
    url.search = query?.toString() ?? "";
    return { url, credentials: await login.credentials() };
  }
  async function once<T>(request: ApiRequest, read: Reader<T>): Promise<T> {
    return attempt(request, { options, prepare, read });
  }
  function send<T>(request: ApiRequest, read: Reader<T>): Promise<T> {
    return withRetries(retries, request.signal, () =>
      withRenewal(login, () => once(request, read)),
    );
  }
  return {
    options,
    prepare,
    json: (request) => send(request, readJson),
    stream: (request) => send(request, async (response) => response),
  };
}

/** A log-in that was refused is tried once more with what its files hold now. */
export async function withRenewal<T>(login: Login, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    await login.renew();
    return work();
  }
}

type Reader<T> = (response: IncomingMessage) => Promise<T>;

interface Attempt<T> {
  options: TransportOptions;
  prepare: Transport["prepare"];
  read: Reader<T>;
}

async function attempt<T>(request: ApiRequest, how: Attempt<T>): Promise<T> {
  const { signal } = request;
  const { login, timeoutMs } = how.options;
  const { url, credentials } = await how.prepare(request.path, request.query);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  const either = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
  try {
    const sent = { url, credentials, signal: either };
    const response = await exchange(request, sent, how.options);
    if ((response.statusCode ?? 0) < 300) return await how.read(response);
    throw await refused(response, request);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof PassingFailure || error instanceof MigrationError) throw error;
    const failure = timeout.signal.aborted
      ? noAnswer(login.server, timeoutMs)
      : networkError(error, login.server.origin);
    throw isRepeatable(request) && mayPass(error) ? new PassingFailure(failure) : failure;
  } finally {
    clearTimeout(timer);
  }
}

function noAnswer(server: URL, timeoutMs: number): MigrationError {
  return new MigrationError(
    "E_UNAVAILABLE",
    `Cannot reach ${server.origin}: no answer in ${timeoutMs / 1000} seconds`,
    { hint: "Check the network and the load of the API server, then try again" },
  );
}

function isRepeatable({ method, isRepeatable }: ApiRequest): boolean {
  return isRepeatable ?? method !== "POST";
}

interface Sent {
  url: URL;
  credentials: Credentials;
  signal: AbortSignal;
}

function exchange(
  request: ApiRequest,
  { url, credentials, signal }: Sent,
  { agents, userAgent }: TransportOptions,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const send = url.protocol === "http:" ? plainRequest : secureRequest;
  const outgoing = send(url, {
    ...credentials.tls,
    method: request.method,
    signal,
    agent: isRepeatable(request) ? agents.pooled : agents.single,
    headers: {
      ...credentials.headers,
      accept: "application/json, */*",
      "user-agent": userAgent,
      ...(body === undefined
        ? {}
        : {
            "content-type": request.contentType ?? "application/json",
            "content-length": Buffer.byteLength(body),
          }),
    },
  });
  outgoing.once("response", resolve).once("error", reject);
  outgoing.end(body);
  return promise;
}

const passing = new Set([429, 502, 503, 504]);

async function refused(response: IncomingMessage, request: ApiRequest): Promise<Error> {
  const status = response.statusCode ?? 0;
  const failure = apiError(status, await readText(response), request.action);
  // A 429 was not begun; what became of another failed POST nobody knows.
  const again = passing.has(status) && (status === 429 || isRepeatable(request));
  return again ? new PassingFailure(failure, retryAfterMs(response)) : failure;
}

function retryAfterMs({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers["retry-after"]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const text = await readText(response);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MigrationError("E_CLUSTER", "What answers is not the Kubernetes API", {
      cause: error,
      hint: "Check the server's URL: it answered with something else than JSON",
    });
  }
}

/** Throws where the connection ends before the body does. */
export async function readText(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
