import { MigrationError } from "../core/errors.ts";
import { type Carrier, greetAsCarrier } from "./carriers.ts";
import type { Session, Work } from "./session.ts";

/** Opens a connection that carries bytes; undefined where they go in the session's own. */
export type OpenCarrier = () => Promise<Carrier | undefined>;

export interface Start {
  path: string;
  first: object;
  signal: AbortSignal;
}

/** Starts work in a session whose bytes come and go by a connection of their own. */
export async function startCarried(
  session: Session,
  carrier: Carrier,
  { path, first, signal }: Start,
): Promise<Work> {
  const ticket = greetAsCarrier(carrier).toString("latin1");
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  let reason = "the other end closed it";
  carrier.on("error", (error) => {
    reason = error.message;
  });
  carrier.once("close", () => {
    if (!carrier.readableEnded) broken.reject(brokenCarrier(reason));
  });
  try {
    const { stream, ended } = await session.start(path, { ...first, ticket }, signal);
    // Nothing comes there but how it ends.
    stream.end();
    stream.resume();
    ended.catch((error: Error) => carrier.destroy(error));
    return { stream: carrier, ended: Promise.race([ended, broken.promise]) };
  } catch (error) {
    carrier.destroy();
    throw error;
  }
}

function brokenCarrier(reason: string): MigrationError {
  return new MigrationError("E_UNAVAILABLE", `The connection that carries files broke: ${reason}`, {
    hint: "Check the network between the pods; the migration goes on where it stopped",
  });
}
