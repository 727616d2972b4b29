import { once } from "node:events";
import { constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { finished } from "node:stream/promises";
import { codeOf, MigrationError } from "../core/errors.ts";
import { parse } from "./agent-calls.ts";
import { type Answer, carryRequest } from "./answer.ts";
import { ConnectStart } from "./calls.ts";
import { readRecord } from "./records.ts";

const connectMilliseconds = 10_000;

/** Connects to a host and port of this network, and carries both ways until both have ended. */
export async function answerConnect(answer: Answer) {
  const target = parse(ConnectStart, await readRecord(answer.stream));
  const { stream, signal } = answer;
  const far = await dial(target, signal);
  far.on("error", () => undefined);
  answer.begin();
  // What was cut must not look like an end.
  carryRequest(stream, far, () => far.resetAndDestroy());
  far.once("close", () => {
    // Nothing takes what is still sent, and who sends it must know.
    if (stream.writableEnded && !stream.readableEnded)
      stream.close(constants.NGHTTP2_CONNECT_ERROR);
  });
  far.pipe(stream, { end: false });
  try {
    await finished(far, { writable: false });
  } catch (cause) {
    throw broken(target, cause);
  }
  answer.end(null, { open: true });
}

interface Target {
  host: string;
  port: number;
}

async function dial({ host, port }: Target, signal: AbortSignal): Promise<Socket> {
  const late = AbortSignal.timeout(connectMilliseconds);
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  try {
    await once(socket, "connect", { signal: AbortSignal.any([signal, late]) });
    return socket;
  } catch (cause) {
    socket.destroy();
    throw unreachable({ host, port }, late.aborted ? late.reason : cause);
  }
}

const words: Record<string, string> = {
  ENOTFOUND: "its name is not known there",
  EAI_AGAIN: "its name cannot be looked up there now",
  ECONNREFUSED: "nobody listens at that port",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ETIMEDOUT: "it does not answer",
};

/** A host with several addresses fails with an error for each of them. */
function reasonOf(cause: unknown): { code: string | number | undefined; text: string } {
  const [first] = cause instanceof AggregateError ? cause.errors : [];
  const code = codeOf(first) ?? codeOf(cause);
  if (cause instanceof DOMException && cause.name === "TimeoutError") {
    return { code: "ETIMEDOUT", text: `no answer in ${connectMilliseconds / 1000} seconds` };
  }
  const text = words[String(code)] ?? (cause instanceof Error ? cause.message : String(cause));
  return { code, text };
}

function unreachable({ host, port }: Target, cause: unknown): MigrationError {
  const { code, text } = reasonOf(cause);
  return new MigrationError(
    "E_UNAVAILABLE",
    `Cannot reach ${host} port ${port} from the destination's network: ${text}`,
    {
      cause: Object.assign(new Error(text), { code }),
      hint: "Check host and port, and what the network there allows",
    },
  );
}

function broken({ host, port }: Target, cause: unknown): MigrationError {
  const message = `The connection to ${host} port ${port} broke`;
  return new MigrationError("E_UNAVAILABLE", message, { cause });
}
