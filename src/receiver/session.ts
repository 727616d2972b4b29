import { type ClientHttp2Session, connect } from "node:http2";
import type { Duplex, Readable } from "node:stream";
import { MigrationError } from "../core/errors.ts";
import { type CallName, calls, type Info, type Input, type Output, Part } from "./calls.ts";
import { type Exchange, exchange } from "./exchange.ts";
import {
  type Liveness,
  paths,
  protocolVersion,
  sessionOptions,
  sessionWindow,
} from "./protocol.ts";
import { readRecord } from "./records.ts";
import { RemoteStream } from "./remote-stream.ts";
import { unblocked } from "./unblocked.ts";
import { watchPeer } from "./watch-peer.ts";

export interface CallOptions {
  signal?: AbortSignal | undefined;
  onBytes?: ((count: number) => void) | undefined;
}

/** Work at the other end that is sent its bytes, and sends its own. */
export interface Work {
  stream: Duplex;
  ended: Promise<unknown>;
}

/** One connection to an agent. */
export interface Session {
  readonly info: Info;
  /** False once its connection has ended. */
  isOpen(): boolean;
  call<K extends CallName>(name: K, input: Input<K>, options?: CallOptions): Promise<Output<K>>;
  /** Gives its streams once the other end has begun. */
  start(path: string, start: unknown, signal?: AbortSignal): Promise<Work>;
  close(): Promise<void>;
}

interface SessionOptions {
  /** How messages name the other end. */
  label: string;
  liveness: Liveness;
  onClosed(reason: string): void;
}

/** Begins to speak with the agent at the other end, which must be of the same protocol. */
export async function openSession(duplex: Duplex, options: SessionOptions): Promise<Session> {
  const { label, liveness } = options;
  const session = connect("http://receiver", {
    ...sessionOptions,
    createConnection: () => unblocked(duplex),
  });
  const reasonOf = noteReasons(session, duplex);
  const running = new Set<Promise<unknown>>();
  const broken = (reason: unknown) => brokenSession(label, reasonOf(reason));
  session.once("connect", () => session.setLocalWindowSize(sessionWindow));
  session.once("close", () => duplex.destroy());
  watchPeer({ session, duplex }, liveness, (error) => {
    duplex.destroy(error);
    session.destroy(error);
  });
  function begin(path: string, start: unknown, signal?: AbortSignal): Exchange {
    if (session.destroyed || session.closed) throw broken(undefined);
    const begun = exchange(session, { path, start, signal, broken });
    running.add(begun.ended);
    const leave = () => void running.delete(begun.ended);
    begun.ended.then(leave, leave);
    return begun;
  }
  async function call<K extends CallName>(name: K, input: Input<K>, how: CallOptions = {}) {
    const start = calls[name].input.encode(input as never);
    const { stream, ended } = begin(`${paths.call}${name}`, start, how.signal);
    stream.end();
    // The error tells more than whatever became of the stream.
    const [result] = await Promise.all([readResult(stream, how.onBytes), ended]);
    return calls[name].output.parse(result) as Output<K>;
  }
  async function start(path: string, first: unknown, signal?: AbortSignal): Promise<Work> {
    const { stream, begun, ended } = begin(path, first, signal);
    await begun;
    return { stream: new RemoteStream(stream, ended, path === paths.connect), ended };
  }
  try {
    const info = await call("info", {});
    requireProtocol(info);
    session.once("close", () => options.onClosed(reasonOf(undefined)));
    const isOpen = () => !duplex.destroyed && !session.destroyed && !session.closed;
    return { info, isOpen, call, start, close: () => closeSession(session, running) };
  } catch (error) {
    session.destroy();
    duplex.destroy();
    throw error;
  }
}

/** Why the connection ended; what was noted first is nearest to the cause. */
function noteReasons(session: ClientHttp2Session, duplex: Duplex) {
  let first: unknown;
  const note = (error: unknown) => {
    first ??= error;
  };
  session.on("error", note);
  duplex.on("error", note);
  return (reason: unknown): string => {
    const known = first ?? reason;
    return known instanceof Error ? known.message : "the other end closed it";
  };
}

function brokenSession(label: string, reason: string): MigrationError {
  return new MigrationError("E_UNAVAILABLE", `The connection to ${label} broke: ${reason}`, {
    hint: "Check the pod and the network to it; the migration goes on where it stopped",
  });
}

/** What was cut or refused has no result: the answer's end tells why. */
async function readResult(stream: Readable, onBytes: CallOptions["onBytes"]): Promise<unknown> {
  let result: unknown;
  for (;;) {
    const record = await readRecord(stream).catch(() => undefined);
    if (record === undefined) return result;
    const part = Part.parse(record);
    if (part.bytes !== undefined) onBytes?.(part.bytes);
    result = part.result;
  }
}

function requireProtocol({ protocol, version }: Info) {
  if (protocol === protocolVersion) return;
  throw new MigrationError(
    "E_VERSION",
    `The receiver is version ${version} and speaks protocol ${protocol}, this manager speaks ${protocolVersion}`,
    { hint: "Give both the same image" },
  );
}

const graceMilliseconds = 2000;

/** Lets what runs come to its end for a moment. */
async function closeSession(session: ClientHttp2Session, running: ReadonlySet<Promise<unknown>>) {
  const late = setTimeout(() => session.destroy(), graceMilliseconds);
  await Promise.allSettled(running);
  clearTimeout(late);
  session.destroy();
}
