import type { Duplex } from "node:stream";
import type { Dial } from "../core/dial.ts";
import { isUnavailable, MigrationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { type Retrying, retry } from "../core/retry.ts";
import type { FileDestination } from "../files/destination.ts";
import type { Info } from "./calls.ts";
import { ConnectStart } from "./calls.ts";
import { defaultLiveness, type Liveness, paths } from "./protocol.ts";
import { makeRemoteDestination } from "./remote-destination.ts";
import { openSession, type Session } from "./session.ts";
import type { OpenCarrier } from "./start-carried.ts";

/** Opens a stream to the agent; its own errors are what the calls throw. */
export type OpenStream = () => Promise<Duplex>;

export interface ReceiverOptions {
  /** How messages name the agent. */
  label: string;
  log: Logger;
  /** Why it is reached through the API, where nothing else was tried. */
  reason?: string | undefined;
  liveness?: Liveness | undefined;
  /** Where bytes can go by connections of their own. */
  openCarrier?: OpenCarrier | undefined;
  /** How long the first session is tried for: an agent whose pod just started may not listen yet. */
  patience?: Pick<Retrying, "clock" | "signal" | "budget"> | undefined;
}

/** How the agent is reached. */
export interface Route {
  name: "direct" | "exec";
  /** Why it is not direct. */
  reason?: string | undefined;
}

/** What there is to know of where files are received. */
type ReceiverInfo = Pick<Info, "uid" | "gid" | "architecture" | "rsync" | "clock"> & {
  /** Of the program of ours there, where there is one. */
  version?: string;
};

/** Where files are received, as the manager uses it. */
export interface Receiver {
  readonly destination: FileDestination;
  /** Connects from the destination's network, which only a program of ours does. */
  readonly dial?: Dial;
  /** Of the next call; it changes where the direct way breaks for good. */
  route(): Route;
  info(): Promise<ReceiverInfo>;
  close(): Promise<void>;
}

/** The agent in a pod of ours. */
export interface AgentReceiver extends Receiver {
  readonly dial: Dial;
  info(): Promise<Info>;
  /** Has it listen for direct connections of who has the key, and tells the port. */
  listen(key: Buffer, port?: number): Promise<number>;
}

/**
 * Connects to an agent. Where the connection breaks, what runs rejects with E_UNAVAILABLE and the
 * reason, and the next call opens another one.
 */
export async function connectReceiver(
  open: OpenStream,
  { label, log, reason, patience, openCarrier, liveness = defaultLiveness }: ReceiverOptions,
): Promise<AgentReceiver> {
  let current: Promise<Session> | undefined;
  let isClosed = false;
  async function make(): Promise<Session> {
    const duplex = await open().catch((error: unknown) => {
      throw error instanceof MigrationError ? error : cannotOpen(label, error);
    });
    const onClosed = (reason: string) => {
      if (!isClosed) log.info({ receiver: label, reason }, "The connection to the receiver ended");
    };
    return await openSession(duplex, { label, liveness, onClosed });
  }
  async function session(): Promise<Session> {
    if (isClosed) throw closed(label);
    const before = current;
    const known = await before?.catch(() => undefined);
    if (known?.isOpen()) return known;
    // Whoever comes first opens the next one for all.
    if (current === before) current = make();
    return await (current as Promise<Session>);
  }
  const first = await (patience === undefined
    ? session()
    : retry({ ...patience, mayPass: isUnavailable }, session));
  const dial: Dial = async (target, signal) => {
    const { start } = await session();
    return (await start(paths.connect, ConnectStart.parse(target), signal)).stream;
  };
  return {
    destination: makeRemoteDestination(session, {
      ...{ label: `${label}:${first.info.root}`, openCarrier },
    }),
    dial,
    route: () => ({ name: "exec", reason }),
    info: async () => (await session()).call("info", {}),
    listen: async (key, port) =>
      (await (await session()).call("listen", port === undefined ? { key } : { key, port })).port,
    async close() {
      isClosed = true;
      await (await current?.catch(() => undefined))?.close();
    },
  };
}

function cannotOpen(label: string, cause: unknown): MigrationError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MigrationError("E_UNAVAILABLE", `Cannot connect to ${label}: ${reason}`, {
    cause,
    hint: "Check the pod and the network to it",
  });
}

function closed(label: string): MigrationError {
  return new MigrationError("E_INTERRUPTED", `The connection to ${label} was closed`);
}
