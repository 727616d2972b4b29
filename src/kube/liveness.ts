import { MigrationError } from "../core/errors.ts";

export interface Liveness {
  /** Milliseconds without any sign of life, after which the peer counts as gone. */
  silenceMs: number;
}

/** Of a WebSocket, what its liveness is seen by. */
export interface LiveSocket {
  readonly isPaused: boolean;
  readonly bufferedAmount: number;
  on(event: "message" | "pong" | "ping", heard: () => void): unknown;
  ping(): void;
}

/**
 * A peer that does not read what it was sent answers no ping either, and may be alive and slow:
 * while something of ours waits to be sent it has this many times as long.
 */
const slowness = 5;

const pingsInSilence = 6;

/** Pings the peer, and calls `gone` once there is no sign of it; returns what stops it. */
export function watchLiveness(
  socket: LiveSocket,
  { silenceMs }: Liveness,
  gone: (reason: MigrationError) => void,
): () => void {
  let heard = performance.now();
  const hear = () => {
    heard = performance.now();
  };
  for (const event of ["message", "pong", "ping"] as const) socket.on(event, hear);
  const timer = setInterval(() => {
    // While we do not read, there is nothing to be heard.
    if (socket.isPaused) return hear();
    const limit = socket.bufferedAmount > 0 ? silenceMs * slowness : silenceMs;
    if (performance.now() - heard < limit) return socket.ping();
    clearInterval(timer);
    gone(
      new MigrationError("E_UNAVAILABLE", `The API has been silent for ${limit / 1000} seconds`, {
        hint: "Check the network between here and the API server, then try again",
      }),
    );
  }, silenceMs / pingsInSilence);
  return () => clearInterval(timer);
}
