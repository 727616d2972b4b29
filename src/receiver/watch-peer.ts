import type { Http2Session } from "node:http2";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { MigrationError } from "../core/errors.ts";
import type { Liveness } from "./protocol.ts";

/**
 * Pings the other end, and calls `gone` when nothing at all has come from it for too long; it ends
 * with the session. Any byte is a sign of life: an answer to a ping may wait behind much else.
 */
export function watchPeer(
  { session, duplex }: { session: Http2Session; duplex: Duplex },
  { pingMs, silenceMs }: Liveness,
  gone: (reason: MigrationError) => void,
) {
  let heard = performance.now();
  let looked = heard;
  let count = 0;
  const hear = () => {
    heard = performance.now();
  };
  // A socket is read below its stream.
  if (!(duplex instanceof Socket)) duplex.on("data", hear);
  const timer = setInterval(() => {
    const now = performance.now();
    const wasAsleep = now - looked > 3 * pingMs;
    looked = now;
    const bytesRead = duplex instanceof Socket ? duplex.bytesRead : count;
    if (bytesRead !== count || wasAsleep) hear();
    count = bytesRead;
    if (session.destroyed) return;
    if (now - heard >= silenceMs) return gone(silent(silenceMs));
    session.ping((error) => {
      if (error === null) hear();
    });
  }, pingMs);
  timer.unref();
  session.once("close", () => clearInterval(timer));
}

function silent(milliseconds: number): MigrationError {
  const seconds = milliseconds / 1000;
  return new MigrationError("E_UNAVAILABLE", `The other end has been silent for ${seconds} s`, {
    hint: "Check the network between the pods and the API server, then try again",
  });
}
