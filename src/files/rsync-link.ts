import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Receiving, RsyncRoute } from "./destination.ts";
import { type Pacing, paced } from "./paced.ts";

/** Names the other end in rsync's arguments; nothing is ever asked by this name. */
export const receiverHost = "receiver";

/**
 * The remote shell: it says what it was told to run, and then only carries bytes. Whatever rsync
 * wants the other end to know follows within the stream, so no shell ever reads it.
 */
const shell = `printf "%s\\0" "$#" "$@" >&3; exec 5<&0; cat <&5 >&3 & exec cat <&4`;

/** The shell's pipes must block: rsync makes them so that a `cat` fails where one is full. */
export const linkFlags = ["--protect-args", "--blocking-io", `--rsh=sh -c '${shell}'`];

/** How the other end fared: `lost` is why the connection to it broke. */
export interface LinkEnd {
  lost?: unknown;
  exitCode?: number;
  stderr?: string;
}

interface RsyncLink {
  /** Takes both ends of the shell's pipes. */
  channel(fromShell: Readable, toShell: Writable): void;
  /** To be called when the local rsync has ended. */
  end(): Promise<LinkEnd>;
}

const patienceMilliseconds = 10_000;

interface LinkOptions {
  signal: AbortSignal;
  isMuch?: boolean | undefined;
  pacing?: Pacing | undefined;
  /** How long the other end may take to end once the rsync here has. */
  patienceMs?: number;
}

/** Joins a local rsync with the one at the other end; each waits for the slower one. */
export function makeRsyncLink(
  connect: NonNullable<RsyncRoute["connect"]>,
  { signal, isMuch = false, pacing, patienceMs = patienceMilliseconds }: LinkOptions,
): RsyncLink {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let ended: Promise<LinkEnd> = Promise.resolve({});

  async function join(fromShell: Readable, toShell: Writable): Promise<LinkEnd> {
    try {
      const words = await readWords(fromShell);
      if (words === undefined) return {};
      const [, ...args] = words;
      const receiving = await connect(args, either, isMuch);
      carry({ fromShell, toShell, receiving, pacing }, either);
      return await receiving.ended;
    } catch (lost) {
      fromShell.destroy();
      toShell.destroy();
      // That we left it says nothing: the rsync here had ended by then, and knows why.
      return stop.signal.aborted ? {} : { lost };
    }
  }
  function channel(fromShell: Readable, toShell: Writable) {
    // What these pipes suffer when either end goes, the ends themselves tell better.
    fromShell.on("error", () => undefined);
    toShell.on("error", () => undefined);
    ended = join(fromShell, toShell);
  }
  async function end(): Promise<LinkEnd> {
    const known = new AbortController();
    void sleep(patienceMs, undefined, { signal: known.signal }).then(
      () => stop.abort(),
      () => undefined,
    );
    try {
      return await ended;
    } finally {
      known.abort();
    }
  }
  return { channel, end };
}

interface Ends {
  fromShell: Readable;
  toShell: Writable;
  receiving: Receiving;
  pacing: Pacing | undefined;
}

/** Two ways that end each for itself: what one side said last arrives also when the other is gone. */
function carry({ fromShell, toShell, receiving, pacing }: Ends, signal: AbortSignal) {
  const { stream } = receiving;
  stream.on("error", () => undefined);
  pipeline([fromShell, ...paced(pacing), stream]).catch(() => undefined);
  pipeline(stream, toShell).catch(() => undefined);
  signal.addEventListener("abort", () => stream.destroy(), { once: true });
}

/** Reads what the shell was told to run, and leaves what follows; undefined where it never ran. */
async function readWords(stream: Readable): Promise<string[] | undefined> {
  let head = Buffer.alloc(0);
  for (;;) {
    const piece = await nextPiece(stream);
    if (piece === undefined) return undefined;
    head = Buffer.concat([head, piece]);
    const found = splitWords(head);
    if (found === undefined) continue;
    if (found.rest.length > 0) stream.unshift(found.rest);
    return found.words;
  }
}

function nextPiece(stream: Readable): Promise<Buffer | undefined> {
  return new Promise((done) => {
    function take() {
      const piece: Buffer | null = stream.read();
      if (piece === null && !stream.readableEnded && !stream.destroyed) return;
      for (const name of events) stream.off(name, take);
      done(piece ?? undefined);
    }
    for (const name of events) stream.on(name, take);
    take();
  });
}

const events = ["readable", "end", "close"] as const;

/** A count and as many words, each ended by a NUL byte; undefined while some are to come. */
function splitWords(bytes: Buffer): { words: string[]; rest: Buffer } | undefined {
  const words: string[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    words.push(bytes.toString("utf8", start, end));
    start = end + 1;
    if (words.length > Number(words[0]))
      return { words: words.slice(1), rest: bytes.subarray(start) };
  }
  return undefined;
}
