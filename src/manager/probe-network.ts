import { lookup, resolveSrv } from "node:dns/promises";
import { readUri } from "../mongo/uri.ts";
import type { Reach } from "../plan/probe.ts";
import type { DatabaseRef } from "../plan/steps.ts";
import { wordsOf } from "./link/link-failures.ts";
import { tcpDial } from "./link/tcp-dial.ts";

const defaultPort = 27_017;
const attemptMs = 5000;

/** Looks up every host of a database and connects to it from here, without logging in. */
export async function probeReach(
  ref: DatabaseRef | undefined,
  signal: AbortSignal,
): Promise<Reach[]> {
  if (ref === undefined) return [];
  const targets = await targetsOf(ref).catch((error: unknown) => wordsOf(error));
  if (typeof targets === "string") {
    return [{ host: "(the URI)", addresses: [], problem: targets }];
  }
  return await Promise.all(targets.map((target) => reach(target, signal)));
}

interface Target {
  host: string;
  port: number;
}

async function targetsOf(ref: DatabaseRef): Promise<Target[]> {
  const { uri, hosts } = await readUri(ref);
  if (uri.startsWith("mongodb+srv:")) {
    const found = await resolveSrv(`_mongodb._tcp.${hosts}`);
    return found.map(({ name, port }) => ({ host: name, port }));
  }
  // A socket file has no network.
  return hosts
    .split(",")
    .filter((one) => !/%2f/i.test(one))
    .map(parseHost);
}

function parseHost(text: string): Target {
  const { name = text, port } = /^\[?(?<name>.*?)\]?(?::(?<port>\d+))?$/.exec(text)?.groups ?? {};
  return { host: name, port: port === undefined ? defaultPort : Number(port) };
}

async function reach({ host, port }: Target, signal: AbortSignal): Promise<Reach> {
  const name = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  let addresses: string[] = [];
  const late = AbortSignal.timeout(attemptMs);
  try {
    addresses = (await lookup(host, { all: true })).map(({ address }) => address);
    (await tcpDial({ host, port }, AbortSignal.any([signal, late]))).destroy();
    return { host: name, addresses };
  } catch (error) {
    signal.throwIfAborted();
    const words = late.aborted ? `no answer in ${attemptMs / 1000} s` : wordsOf(error);
    const problem = addresses.length === 0 ? `its name is not known (${words})` : words;
    return { host: name, addresses, problem };
  }
}
