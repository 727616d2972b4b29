import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { MigrationError } from "../core/errors.ts";
import { framesOf, readFrame } from "./channel-frames.ts";
import { type Liveness, watchLiveness } from "./liveness.ts";
import { pathOf } from "./names.ts";
import { actionOn } from "./objects.ts";
import { pods } from "./resources.ts";
import { sendAll } from "./send.ts";
import type { Transport } from "./transport.ts";
import { openWebSocket } from "./web-socket.ts";

/** The first port's; the port's number comes first on each. */
const dataChannel = 0;
const errorChannel = 1;
const portBytes = 2;

const highWaterMark = 256 * 1024;

export interface ForwardTarget {
  namespace: string;
  pod: string;
  port: number;
}

/**
 * One connection to a port of a pod, each over a WebSocket of its own. The protocol cannot close
 * one direction: the end of what is written closes all of it.
 */
export async function forwardPort(
  transport: Transport,
  { namespace, pod, port }: ForwardTarget,
  options: Liveness & { signal?: AbortSignal | undefined },
): Promise<Duplex> {
  const at = { namespace, name: pod, subresource: "portforward" };
  const socket = await openWebSocket(transport, {
    ...{ path: pathOf(pods, at), query: new URLSearchParams({ ports: String(port) }) },
    ...{ protocols: ["v4.channel.k8s.io"], signal: options.signal },
    ...{ action: actionOn(pods, "get", at), isRepeatable: true },
  });
  return makeDuplex(socket, `port ${port} of pod "${pod}"`, options);
}

function makeDuplex(
  socket: WebSocket,
  label: string,
  options: Liveness & { signal?: AbortSignal | undefined },
): Duplex {
  const stream = new Duplex({
    readableHighWaterMark: highWaterMark,
    writableHighWaterMark: highWaterMark,
    allowHalfOpen: false,
    read: () => socket.resume(),
    write: (chunk: Buffer, _, done) => sendAll(socket, framesOf(dataChannel, [chunk]), done),
    writev: (writes, done) =>
      sendAll(
        socket,
        framesOf(
          dataChannel,
          writes.map(({ chunk }) => chunk),
        ),
        done,
      ),
    final(done) {
      socket.close(1000);
      done();
    },
    destroy(error, done) {
      rest();
      options.signal?.removeEventListener("abort", abort);
      socket.terminate();
      done(error);
    },
  });
  const fail = (words: string) => stream.destroy(failure(label, words));
  const abort = () => stream.destroy(options.signal?.reason);
  const rest = watchLiveness(socket, options, (reason) => stream.destroy(reason));
  const skip = { [dataChannel]: portBytes, [errorChannel]: portBytes };
  socket.on("message", (message: Buffer) => {
    const { channel, data } = readFrame(message);
    if (channel !== dataChannel && channel !== errorChannel) return;
    const content = data.subarray(skip[channel]);
    skip[channel] -= data.length - content.length;
    if (content.length === 0) return;
    if (channel === errorChannel) fail(content.toString("utf8").trim());
    else if (!stream.push(content)) socket.pause();
  });
  socket.once("close", (code: number) => {
    const isCut = code === 1006 && !stream.writableEnded;
    if (isCut) fail("the connection was cut");
    else stream.push(null);
  });
  options.signal?.addEventListener("abort", abort, { once: true });
  if (options.signal?.aborted) abort();
  else socket.resume();
  return stream;
}

function failure(label: string, words: string): MigrationError {
  return new MigrationError("E_UNAVAILABLE", `The forwarding to ${label} ended: ${words}`, {
    hint: "Check that the pod runs and listens on that port, then try again",
  });
}
