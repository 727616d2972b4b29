import type { Dial } from "../../core/dial.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { DatabaseRef } from "../../mongo/database.ts";
import { readUri } from "../../mongo/uri.ts";
import type { links } from "../../plan/endpoint.ts";
import { targetText, wordsOf } from "./link-failures.ts";
import type { SocksTarget } from "./socks-handshake.ts";
import { tcpDial } from "./tcp-dial.ts";

type LinkName = (typeof links)[number];

/** What there is beside a connection from here. */
export interface LinkWays {
  relay?: Dial | undefined;
  "port-forward"?: Dial | undefined;
}

export interface ChosenLink {
  link: Exclude<LinkName, "auto">;
  /** Undefined for `direct`: then the URI is used as it is. */
  dial: Dial | undefined;
  reason: string;
}

interface ChooseOptions {
  ways: LinkWays;
  signal: AbortSignal;
  log: Logger;
}

const directMs = 3000;
const otherMs = 10_000;
const defaultPort = 27017;

/**
 * Under `auto` the first link by which any host of the URI can be reached: direct, relay,
 * port-forward. Throws E_UNAVAILABLE with every reason when there is none.
 */
export async function chooseLink(
  asked: LinkName,
  ref: DatabaseRef,
  { ways, signal, log }: ChooseOptions,
): Promise<ChosenLink> {
  const chosen = asked === "auto" ? await choose(ref, ways, signal) : take(asked, ways);
  log.info({ link: chosen.link, reason: chosen.reason }, "Chose the link to the database");
  return chosen;
}

function take(link: Exclude<LinkName, "auto">, ways: LinkWays): ChosenLink {
  const dial = link === "direct" ? undefined : ways[link];
  if (link === "direct" || dial !== undefined) return { link, dial, reason: "It was asked for" };
  throw new MigrationError("E_CONFIG", `There is no way to make the link "${link}"`, {
    hint: link === "relay" ? "A relay needs a receiver pod of ours" : "Choose another link",
  });
}

async function choose(ref: DatabaseRef, ways: LinkWays, signal: AbortSignal): Promise<ChosenLink> {
  const { uri, hosts } = await readUri(ref);
  if (uri.startsWith("mongodb+srv:") || /%2f/i.test(hosts)) {
    return {
      link: "direct",
      dial: undefined,
      reason: "Only a list of hosts can have another link",
    };
  }
  const targets = hosts.split(",").map(targetOf);
  const tries = [
    { link: "direct", dial: tcpDial, within: directMs },
    { link: "relay", dial: ways.relay, within: otherMs },
    { link: "port-forward", dial: ways["port-forward"], within: otherMs },
  ] as const;
  const reasons: string[] = [];
  for (const { link, dial, within } of tries) {
    if (dial === undefined) continue;
    const failure = await reach(targets, dial, { within, signal });
    signal.throwIfAborted();
    if (failure === undefined) {
      const reason = reasons.join("; ") || "The database can be reached from here";
      return { link, dial: link === "direct" ? undefined : dial, reason };
    }
    reasons.push(`${link}: ${failure}`);
  }
  throw new MigrationError("E_UNAVAILABLE", `No link reaches the database at "${hosts}"`, {
    hint: `Check that it runs, and its host and port. ${reasons.join("; ")}`,
  });
}

function targetOf(host: string): SocksTarget {
  const { name = host, port } = /^\[?(?<name>.*?)\]?(?::(?<port>\d+))?$/.exec(host)?.groups ?? {};
  return { host: name, port: port === undefined ? defaultPort : Number(port) };
}

interface Reach {
  within: number;
  signal: AbortSignal;
}

/** Undefined once any host is reached; else why none is. */
async function reach(
  targets: readonly SocksTarget[],
  dial: Dial,
  { within, signal }: Reach,
): Promise<string | undefined> {
  const enough = new AbortController();
  const late = AbortSignal.timeout(within);
  const stop = AbortSignal.any([enough.signal, late, signal]);
  const tries = targets.map(async (target) => {
    try {
      (await dial(target, stop)).destroy();
    } catch (error) {
      const words = late.aborted ? `no answer in ${within / 1000} seconds` : wordsOf(error);
      throw new Error(`${targetText(target)}: ${words}`, { cause: error });
    }
  });
  try {
    await Promise.any(tries);
    return undefined;
  } catch (error) {
    return wordsOf(error instanceof AggregateError ? new AggregateError(error.errors, "") : error);
  } finally {
    enough.abort();
  }
}
