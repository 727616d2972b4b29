import { type ConnectOptions, openCurrent } from "./connect.ts";
import type { DatabaseRef, DestinationDatabase } from "./database.ts";
import { makeReader } from "./source-current.ts";
import { makeWriter } from "./write.ts";

export type Destination = DestinationDatabase & {
  /** False where the driver cannot carry raw bytes: the oddest types then change. */
  readonly lossless: boolean;
};

export interface DestinationOptions extends ConnectOptions {
  /** How many milliseconds one write may take; two minutes unless said otherwise. */
  replyMs?: number;
}

/** Opens a database to write to. */
export async function connectDestination(
  ref: DatabaseRef,
  options: DestinationOptions = {},
): Promise<Destination> {
  const connection = await openCurrent(ref, options);
  const destination = { ...makeReader(connection), ...makeWriter(connection, options.replyMs) };
  if (!destination.lossless) {
    options.log?.warn("The MongoDB driver cannot send raw documents: odd BSON types will change");
  }
  return destination;
}
