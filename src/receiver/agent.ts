import {
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { resolve } from "node:path";
import type { Duplex } from "node:stream";
import { MigrationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { programVersion } from "../core/version.ts";
import { openLocalDestination } from "../files/local-destination.ts";
import { type AgentParts, answerCall } from "./agent-calls.ts";
import { answerRsync, answerUnpack } from "./agent-programs.ts";
import { answerConnect } from "./agent-relay.ts";
import { type Answer, makeAnswer } from "./answer.ts";
import { atMost } from "./at-most.ts";
import { makeBusyFolders } from "./busy-folders.ts";
import { type Carrier, makeCarriers, readGreeting } from "./carriers.ts";
import { makeDirectListener } from "./direct-listener.ts";
import {
  defaultLiveness,
  type Liveness,
  paths,
  protocolHeader,
  protocolVersion,
  sessionOptions,
  sessionWindow,
} from "./protocol.ts";
import { unblocked } from "./unblocked.ts";
import { watchPeer } from "./watch-peer.ts";

export interface AgentOptions {
  root: string;
  /** Of the listener for direct connections; 0 is any. */
  port?: number | undefined;
  log: Logger;
  liveness?: Liveness | undefined;
  /** Called when the number of open sessions has changed. */
  onSessions?: ((count: number) => void) | undefined;
}

/** Serves a folder, and connections into its network, to who reaches it. */
export interface Agent {
  /** Serves one connection until it ends; `via` is its name in the log. */
  serve(duplex: Carrier, via: string): Promise<void>;
  /** Ends all sessions, and what works for them. */
  close(): Promise<void>;
}

const hashesAtOnce = 4;

export function openAgent(options: AgentOptions): Agent {
  const { log, onSessions, liveness = defaultLiveness } = options;
  const sessions = new Set<ServerHttp2Session>();
  const direct = makeDirectListener({
    port: options.port ?? 0,
    log,
    onConnection: (socket) => void serve(socket, "direct"),
  });
  const root = resolve(options.root);
  const parts: AgentParts = {
    root,
    direct,
    destination: openLocalDestination(root),
    busy: makeBusyFolders(),
    carriers: makeCarriers(),
    hashing: atMost(hashesAtOnce),
  };
  let count = 0;
  /** A session, or what carries bytes for one. */
  async function serve(socket: Carrier, via: string) {
    socket.on("error", () => undefined);
    const silent = setTimeout(() => socket.destroy(), liveness.silenceMs);
    const ticket = await readGreeting(socket);
    clearTimeout(silent);
    if (ticket === undefined) converse(socket, via);
    else parts.carriers.add(ticket, socket);
  }
  function converse(duplex: Duplex, via: string) {
    const sessionLog = log.child({ session: ++count, via });
    const session = performServerHandshake(unblocked(duplex), sessionOptions);
    sessions.add(session);
    onSessions?.(sessions.size);
    let reason = "it was closed";
    const note = (error: Error) => {
      reason = error.message;
    };
    session.on("error", note);
    duplex.on("error", note);
    session.once("connect", () => {
      // What it got first may have been no session's, and have ended it.
      if (!session.destroyed) session.setLocalWindowSize(sessionWindow);
    });
    watchPeer({ session, duplex }, liveness, (error) => {
      session.destroy(error);
      duplex.destroy();
    });
    session.on("stream", (stream, headers) => {
      void answerStream(stream, headers, { parts, log: sessionLog });
    });
    session.once("close", () => {
      sessions.delete(session);
      sessionLog.info({ reason }, "Session ended");
      onSessions?.(sessions.size);
    });
    sessionLog.info("Session opened");
  }
  async function close() {
    direct.close();
    parts.carriers.close();
    for (const session of sessions) session.destroy();
    await parts.busy.leaveAll();
  }
  return { serve, close };
}

type Headers = Record<string, string | string[] | undefined>;

/** Never rejects: what goes wrong with one request is told to who asked. */
async function answerStream(
  stream: ServerHttp2Stream,
  headers: Headers,
  { parts, log }: { parts: AgentParts; log: Logger },
) {
  const answer = makeAnswer(stream);
  const path = String(headers[":path"]);
  try {
    requireProtocol(headers[protocolHeader]);
    await route(path, answer, parts);
  } catch (error) {
    if (answer.signal.aborted) return;
    log.debug({ path, reason: error instanceof Error ? error.message : error }, "Call failed");
    answer.fail(error);
  }
}

async function route(path: string, answer: Answer, parts: AgentParts) {
  if (path === paths.rsync) return await answerRsync(answer, parts);
  if (path === paths.unpack) return await answerUnpack(answer, parts);
  if (path === paths.connect) return await answerConnect(answer);
  const name = path.startsWith(paths.call) ? path.slice(paths.call.length) : path;
  return await answerCall(name, answer, parts);
}

function requireProtocol(theirs: string | string[] | undefined) {
  if (theirs === String(protocolVersion)) return;
  throw new MigrationError(
    "E_VERSION",
    `The receiver is version ${programVersion} and speaks protocol ${protocolVersion}, the manager speaks ${theirs ?? "none"}`,
    { hint: "Give both the same image" },
  );
}
