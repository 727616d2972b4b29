import type { Duplex } from "node:stream";

/** Opens a TCP connection as seen from another network; rejects with the reason in words. */
export type Dial = (
  target: { host: string; port: number },
  signal?: AbortSignal,
) => Promise<Duplex>;
