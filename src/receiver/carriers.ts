import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { MigrationError } from "../core/errors.ts";
import { takeFrom } from "./records.ts";

/**
 * A connection that carries the bytes of one program and nothing else: without frames, which cost
 * both ends more than the bytes themselves. What the program is, and how it ended, is told in a
 * session; the ticket says which of its requests the connection belongs to.
 */
export type Carrier = Duplex & { allowHalfOpen: boolean };

/** No session begins with this. */
const mark = Buffer.from("MIGMGR-CARRIER\n");
const ticketLength = 16;
const greetingLength = mark.length + ticketLength;

/** Says to the agent what the connection is for; returns the ticket. */
export function greetAsCarrier(carrier: Carrier): Buffer {
  const ticket = randomBytes(ticketLength);
  carrier.allowHalfOpen = true;
  carrier.write(Buffer.concat([mark, ticket]));
  return ticket;
}

/** The ticket of a carrier; undefined for a session, of which nothing has been taken. */
export async function readGreeting(duplex: Duplex): Promise<Buffer | undefined> {
  let bytes = Buffer.alloc(0);
  const ticket = await takeFrom(duplex, () => {
    const piece: Buffer | null = duplex.read();
    if (piece === null) return null;
    bytes = Buffer.concat([bytes, piece]);
    const known = Math.min(bytes.length, mark.length);
    const isCarrier = bytes.subarray(0, known).equals(mark.subarray(0, known));
    if (isCarrier && bytes.length < greetingLength) return null;
    const rest = isCarrier ? bytes.subarray(greetingLength) : bytes;
    if (rest.length > 0) duplex.unshift(rest);
    return isCarrier ? bytes.subarray(mark.length, greetingLength) : Buffer.alloc(0);
  });
  return ticket === undefined || ticket.length === 0 ? undefined : ticket;
}

/** The agent's carriers between their arrival and the request that takes them. */
export interface Carriers {
  add(ticket: Buffer, carrier: Carrier): void;
  /** Waits a while for one that is still on its way. */
  take(ticket: Buffer, signal: AbortSignal): Promise<Carrier>;
  close(): void;
}

const patienceMs = 10_000;

export function makeCarriers(): Carriers {
  const arrived = new Map<string, Carrier>();
  const awaited = new Map<string, (carrier: Carrier) => void>();
  function add(ticket: Buffer, carrier: Carrier) {
    const key = ticket.toString("hex");
    carrier.on("error", () => undefined);
    carrier.allowHalfOpen = true;
    const take = awaited.get(key);
    if (take !== undefined) return take(carrier);
    arrived.set(key, carrier);
    const late = setTimeout(() => carrier.destroy(), patienceMs);
    late.unref();
    carrier.once("close", () => {
      clearTimeout(late);
      arrived.delete(key);
    });
    carrier.once("taken", () => clearTimeout(late));
  }
  async function take(ticket: Buffer, signal: AbortSignal): Promise<Carrier> {
    const key = ticket.toString("hex");
    const known = arrived.get(key);
    if (known !== undefined) {
      arrived.delete(key);
      known.emit("taken");
      return known;
    }
    const coming = Promise.withResolvers<Carrier>();
    const either = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    const leave = () => coming.reject(notThere());
    either.addEventListener("abort", leave, { once: true });
    awaited.set(key, coming.resolve);
    try {
      return await coming.promise;
    } finally {
      awaited.delete(key);
      either.removeEventListener("abort", leave);
    }
  }
  function close() {
    for (const carrier of arrived.values()) carrier.destroy();
  }
  return { add, take, close };
}

function notThere(): MigrationError {
  return new MigrationError("E_UNAVAILABLE", "The connection that is to carry it has not come", {
    hint: "Check the network between the pods",
  });
}
