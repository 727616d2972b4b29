import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import type { WebSocket } from "ws";

/** The channels of v5.channel.k8s.io: the first byte of each message. */
const [stdin, stdout, stderr, status, close] = [0, 1, 2, 3, 255];

const muchUnsent = 1024 * 1024;
const pollMs = 5;

/**
 * Carries the streams of a command as a kubelet does. When the connection breaks its input ends, and
 * what it does then is its own affair.
 */
export function serveExec(socket: WebSocket, child: ChildProcess) {
  socket.on("error", () => undefined);
  receiveInput(socket, child);
  for (const [channel, stream] of [
    [stdout, child.stdout],
    [stderr, child.stderr],
  ] as const) {
    if (stream) sendOutput(socket, channel, stream);
  }
  child.once("error", () => socket.terminate());
  child.once("close", (code) => {
    socket.send(Buffer.concat([Buffer.of(status), Buffer.from(statusText(code ?? 137))]));
    socket.close(1000);
  });
}

function receiveInput(socket: WebSocket, { stdin: input }: ChildProcess) {
  input?.on("error", () => undefined);
  input?.on("drain", () => socket.resume());
  socket.on("message", (message: Buffer) => {
    if (message[0] === close) input?.end();
    else if (message[0] === stdin && input?.writable && !input.write(message.subarray(1))) {
      socket.pause();
    }
  });
  socket.once("close", () => input?.destroy());
}

function sendOutput(socket: WebSocket, channel: number, stream: Readable) {
  stream.on("error", () => undefined);
  stream.on("data", (piece: Buffer) => {
    if (socket.readyState !== socket.OPEN) return;
    socket.send(Buffer.concat([Buffer.of(channel), piece]));
    if (socket.bufferedAmount > muchUnsent) waitForRoom(socket, stream);
  });
}

function waitForRoom(socket: WebSocket, stream: Readable) {
  stream.pause();
  const timer = setInterval(() => {
    if (socket.readyState === socket.OPEN && socket.bufferedAmount > muchUnsent) return;
    clearInterval(timer);
    stream.resume();
  }, pollMs);
}

function statusText(code: number): string {
  if (code === 0) return JSON.stringify({ metadata: {}, status: "Success" });
  return JSON.stringify({
    ...{ metadata: {}, status: "Failure", reason: "NonZeroExitCode" },
    message: `command terminated with exit code ${code}`,
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  });
}
