import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Dial } from "../../core/dial.ts";
import { codeOf } from "../../core/errors.ts";
import { type SocksTarget, socksReplies } from "./socks-handshake.ts";

/** A little less than the driver waits, so that it hears the reason. */
const dialMs = 9000;

/** How long the second direction may be silent once the first has ended. */
const lingerMs = 60_000;

/**
 * A `Dial` that does not hear the signal is not waited for. The signal is never aborted once the
 * connection is made, as it may end with it.
 */
export async function dialInTime(
  dial: Dial,
  target: SocksTarget,
  gone: AbortSignal,
): Promise<Duplex> {
  gone.throwIfAborted();
  const giveUp = new AbortController();
  const { promise: given, reject } = Promise.withResolvers<never>();
  giveUp.signal.addEventListener("abort", () => reject(giveUp.signal.reason));
  const late = new Error(`No answer in ${dialMs / 1000} seconds`);
  const timer = setTimeout(() => giveUp.abort(late), dialMs);
  const leave = () => giveUp.abort(gone.reason);
  gone.addEventListener("abort", leave);
  try {
    const dialling = dial(target, giveUp.signal);
    dialling.then(
      (far) => {
        if (giveUp.signal.aborted) far.destroy();
      },
      () => {},
    );
    return await Promise.race([dialling, given]);
  } finally {
    clearTimeout(timer);
    gone.removeEventListener("abort", leave);
  }
}

/** Both directions, each at the pace of its reader, until both have ended or one has failed. */
export async function join(client: Socket, far: Duplex, onFailure: (error: unknown) => void) {
  const answered = client.bytesWritten;
  const limitSilence = () => client.setTimeout(lingerMs, () => client.destroy());
  far.once("error", (error) => {
    // A port-forward learns only now that nobody listens.
    if (client.bytesWritten === answered) onFailure(error);
  });
  await Promise.allSettled([
    pipeline(client, far).then(limitSilence),
    pipeline(far, client).then(limitSilence),
  ]);
  client.destroy();
  far.destroy();
}

const repliesByCode: ReadonlyMap<unknown, (typeof socksReplies)[keyof typeof socksReplies]> =
  new Map([
    ["ECONNREFUSED", socksReplies.connectionRefused],
    ["EHOSTUNREACH", socksReplies.hostUnreachable],
    ["ENOTFOUND", socksReplies.hostUnreachable],
    ["EAI_AGAIN", socksReplies.hostUnreachable],
    ["ETIMEDOUT", socksReplies.hostUnreachable],
    ["E_UNAVAILABLE", socksReplies.hostUnreachable],
    ["ENETUNREACH", socksReplies.networkUnreachable],
    ["E_PERMISSION", socksReplies.notAllowed],
    ["E_AUTHENTICATION", socksReplies.notAllowed],
  ]);

/** What the client is told of an error; its innermost cause tells most. */
export function replyFor(error: unknown) {
  const causes: unknown[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 8; cause = cause.cause) {
    causes.unshift(cause);
  }
  const replies = causes.map((cause) => repliesByCode.get(codeOf(cause)));
  return replies.find((reply) => reply !== undefined) ?? socksReplies.generalFailure;
}
