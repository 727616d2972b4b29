import type { Document } from "mongodb";
import { codeOf } from "../core/errors.ts";
import type { OpenSource } from "./connect.ts";

/**
 * Whether both are one database of one server, which has many names. Told by what the server says
 * of its own process; where it does not, by the collections: a UUID is given once. Writes nothing.
 */
export async function isSameDatabase(one: OpenSource, other: OpenSource): Promise<boolean> {
  if (one.source.name !== other.source.name) return false;
  const [id, otherId] = [one.source.facts.processId, other.source.facts.processId];
  if (id !== undefined && otherId !== undefined) return id === otherId;
  const process = await processOf(one);
  const otherProcess = await processOf(other);
  if (process !== undefined && otherProcess !== undefined) {
    return isSameProcess(process, otherProcess);
  }
  return await shareCollections(one, other);
}

interface Process {
  host: string;
  pid: number;
  /** By its own clock. */
  startedAt: number;
}

/** Between two questions the uptime and the clock are read at slightly different times. */
const toleranceMs = 2000;

function isSameProcess(one: Process, other: Process): boolean {
  const isNear = Math.abs(one.startedAt - other.startedAt) < toleranceMs;
  return one.host === other.host && one.pid === other.pid && isNear;
}

const unauthorized = 13;

/** Undefined where the user must not ask for it. */
async function processOf({ command }: OpenSource): Promise<Process | undefined> {
  let status: Document;
  try {
    status = await command({ serverStatus: 1 }, "admin");
  } catch (error) {
    if (codeOf(error) !== unauthorized) throw error;
    return undefined;
  }
  const uptime = Number(status["uptimeMillis"] ?? status["uptime"] * 1000);
  return {
    host: String(status["host"]),
    pid: Number(status["pid"]),
    startedAt: Number(status["localTime"]) - uptime,
  };
}

async function shareCollections({ source: one }: OpenSource, { source: other }: OpenSource) {
  const uuids = new Set((await one.collections()).map(({ uuid }) => uuid));
  uuids.delete(undefined);
  return (await other.collections()).some(({ uuid }) => uuids.has(uuid));
}
