import type { OutgoingHttpHeaders } from "node:http2";

/** Both ends of one migration are of one version; another protocol is refused, never guessed at. */
export const protocolVersion = 4;

/** Where the agent listens in its pod, unless it is told otherwise. */
export const receiverSocket = "/tmp/migmgr-receive/agent.sock";

/** A header of every request. */
export const protocolHeader = "migmgr-protocol";
/** The trailer that ends every answer: an answer without it was cut. */
export const endTrailer = "migmgr-end";

/** Calls are single records; what runs a program or carries bytes has a path of its own. */
export const paths = {
  call: "/call/",
  rsync: "/rsync",
  unpack: "/unpack",
  connect: "/connect",
} as const;

const mebibyte = 1024 * 1024;

/** One stream's window is what its slowest reader can make the other end keep. */
const streamWindow = 4 * mebibyte;
/** Of all streams together; it is given back as soon as bytes arrive, whoever reads them. */
export const sessionWindow = 16 * mebibyte;

export const sessionOptions = {
  settings: { initialWindowSize: streamWindow, maxConcurrentStreams: 1024, enablePush: false },
  /** In megabytes: beyond it no more streams are taken. */
  maxSessionMemory: 1024,
} as const;

/** Milliseconds between pings, and of silence after which the other end counts as gone. */
export interface Liveness {
  pingMs: number;
  silenceMs: number;
}

export const defaultLiveness: Liveness = { pingMs: 10_000, silenceMs: 30_000 };

export function requestHeaders(path: string): OutgoingHttpHeaders {
  return { ":method": "POST", ":path": path, [protocolHeader]: String(protocolVersion) };
}
