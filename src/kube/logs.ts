import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { ContainerRef, LogOptions } from "./cluster.ts";
import { checkLabel, pathOf } from "./names.ts";
import { networkError } from "./network-error.ts";
import { actionOn } from "./objects.ts";
import { pods } from "./resources.ts";
import type { Transport } from "./transport.ts";

/** What a container wrote; a connection that is cut is an error of the stream. */
export async function readLogs(
  transport: Transport,
  { namespace, pod, container }: ContainerRef,
  { follow, tail, previous, signal }: LogOptions = {},
): Promise<Readable> {
  const query = new URLSearchParams({
    ...(container === undefined ? {} : { container: checkLabel(container, "container") }),
    ...(follow === true ? { follow: "true" } : {}),
    ...(tail === undefined ? {} : { tailLines: String(tail) }),
    ...(previous === true ? { previous: "true" } : {}),
  });
  const at = { namespace, name: pod, subresource: "log" };
  const response = await transport.stream({
    ...{ method: "GET", path: pathOf(pods, at), query, signal },
    action: actionOn(pods, "get", at),
  });
  const { origin } = transport.options.login.server;
  return Readable.from(bytesOf(response, origin, signal), { objectMode: false });
}

async function* bytesOf(
  response: IncomingMessage,
  server: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  try {
    yield* response;
  } catch (error) {
    signal?.throwIfAborted();
    throw networkError(error, server);
  }
}
