import { once } from "node:events";
import { connect } from "node:net";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { codeOf, MigrationError } from "../core/errors.ts";

interface Pipes {
  input: Readable;
  output: Writable;
  signal: AbortSignal;
}

/** Carries bytes between two pipes and a unix socket, each way by itself, until the socket ends. */
export async function attach(path: string, { input, output, signal }: Pipes): Promise<void> {
  const socket = connect({ path, allowHalfOpen: true });
  try {
    await once(socket, "connect", { signal });
  } catch (cause) {
    throw new MigrationError("E_UNAVAILABLE", `Nobody listens at "${path}" (${codeOf(cause)})`, {
      cause,
      hint: "Is migmgr receive running here, with the same --socket?",
    });
  }
  const sending = pipeline(input, socket).catch((error: unknown) => error);
  try {
    await pipeline(socket, output, { signal });
  } catch (cause) {
    if (signal.aborted) return;
    throw new MigrationError("E_UNAVAILABLE", `The connection at "${path}" broke`, { cause });
  } finally {
    socket.destroy();
    input.destroy();
    await sending;
  }
}
