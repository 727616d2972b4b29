import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { MigrationError } from "../core/errors.ts";
import { registerSecret } from "../core/secrets.ts";
import type { Carrier } from "./carriers.ts";
import {
  type AgentReceiver,
  connectReceiver,
  type OpenStream,
  type ReceiverOptions,
  type Route,
} from "./connect-receiver.ts";
import { openDirect } from "./direct-client.ts";
import { keyLength } from "./direct-tls.ts";

export interface PreferDirectOptions extends ReceiverOptions {
  /** Where the receiver is by now: one that is made again has another address. */
  host(): string;
  port: number;
  /** Throws where the direct way does not work, and never takes the other one. */
  only?: boolean | undefined;
  /** Milliseconds that an attempt to connect directly may take. */
  attemptMs?: number | undefined;
  /** How a direct connection is made. */
  connect?: typeof openDirect | undefined;
}

const defaultAttemptMs = 4000;
/** A way that breaks again and again is not a good one. */
const directSessions = 3;

/**
 * Connects to an agent by its control stream, hands it a key over that, and goes on directly where
 * that works. When the direct connection breaks and cannot be made again, the control stream
 * carries all.
 */
export async function preferDirect(
  openControl: OpenStream,
  options: PreferDirectOptions,
): Promise<AgentReceiver> {
  const { host, log, only = false, attemptMs = defaultAttemptMs, connect = openDirect } = options;
  const key = randomBytes(keyLength);
  for (const form of ["hex", "base64"] as const) registerSecret(key.toString(form));
  let route: Route = { name: "direct" };
  function giveUp(error: unknown) {
    const reason = error instanceof Error ? error.message : String(error);
    log.info({ reason }, "The receiver is reached through the API");
    route = { name: "exec", reason };
  }
  const told = (receiver: AgentReceiver) => ({ ...receiver, route: () => route });
  const control = await connectReceiver(openControl, options);
  const listening = await handOver(control, key, { ...options, giveUp });
  if (listening === undefined) return told(control);
  let port = listening;
  let attempts = 0;
  async function tryDirect(): Promise<Duplex> {
    attempts++;
    const target = { host: host(), port };
    const duplex = await connect({ ...target, key }, AbortSignal.timeout(attemptMs));
    log.info(target, "The receiver is reached directly");
    return duplex;
  }
  /** The control stream leads to the receiver of now, which may not have the key yet. */
  async function tryAgain(): Promise<Duplex> {
    const other = await connectReceiver(openControl, options);
    try {
      port = await other.listen(key, options.port);
    } finally {
      await other.close();
    }
    return await tryDirect();
  }
  async function open(): Promise<Duplex> {
    if (only) return await tryDirect().catch(tryAgain);
    if (attempts < directSessions) {
      try {
        return await tryDirect();
      } catch (error) {
        giveUp(error);
      }
    } else {
      giveUp(new Error("The direct connection broke too often"));
    }
    attempts = directSessions;
    return await openControl();
  }
  /** What cannot be opened beside a session that works is done without. */
  async function openCarrier(): Promise<Carrier | undefined> {
    if (route.name !== "direct") return await openControl().catch(() => undefined);
    const target = { host: host(), port, key };
    return await connect(target, AbortSignal.timeout(attemptMs)).catch(() => undefined);
  }
  try {
    const first = await tryDirect();
    first.on("error", () => undefined);
    const direct = await connectReceiver(startingWith(first, open), { ...options, openCarrier });
    await control.close();
    return told(direct);
  } catch (error) {
    if (only) {
      await control.close();
      throw notDirect(error);
    }
    giveUp(error);
    return told(control);
  }
}

/** The stream that was tried serves first. */
function startingWith(first: Duplex, open: OpenStream): OpenStream {
  let next: Duplex | undefined = first;
  return async () => {
    const duplex = next ?? (await open());
    next = undefined;
    return duplex;
  };
}

/** Undefined where the agent cannot listen. */
async function handOver(
  control: AgentReceiver,
  key: Buffer,
  { port, only, giveUp }: PreferDirectOptions & { giveUp(error: unknown): void },
): Promise<number | undefined> {
  try {
    return await control.listen(key, port);
  } catch (error) {
    if (only) {
      await control.close();
      throw notDirect(error);
    }
    giveUp(error);
    return undefined;
  }
}

function notDirect(cause: unknown): MigrationError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MigrationError("E_UNAVAILABLE", `The receiver cannot be reached directly: ${reason}`, {
    cause,
    hint: "Let the pods of the two namespaces reach each other, or use --transport auto",
  });
}
