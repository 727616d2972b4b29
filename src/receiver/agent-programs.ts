import type { Duplex, Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { MigrationError } from "../core/errors.ts";
import type { Receiving } from "../files/destination.ts";
import { startReceiving } from "../files/receiving.ts";
import { type AgentParts, parse } from "./agent-calls.ts";
import { type Answer, carryRequest } from "./answer.ts";
import { RsyncStart, UnpackStart } from "./calls.ts";
import type { Carrier } from "./carriers.ts";
import { inLumps } from "./in-lumps.ts";
import { readRecord, takeFrom } from "./records.ts";
import { checkRsyncArguments, checkStreamedArguments, sendsArguments } from "./rsync-arguments.ts";

/** Starts the receiving rsync, once all of its arguments are known to be ours. */
export async function answerRsync(answer: Answer, { root, busy, carriers }: AgentParts) {
  const { temporary, args, ticket } = parse(RsyncStart, await readRecord(answer.stream));
  const folders = { root, temporary };
  checkRsyncArguments(args, folders);
  const carrier = ticket && (await carriers.take(ticket, answer.signal));
  let head: Buffer | undefined;
  if (sendsArguments(args)) {
    // Only who was told that it may begin sends the rest.
    answer.begin();
    const { words, bytes } = await readWords(carrier ?? answer.stream);
    checkStreamedArguments(words, folders);
    head = bytes;
  }
  await busy.work(temporary, answer.signal, (signal) =>
    join({ answer, carrier, head }, startReceiving("rsync", args, signal)),
  );
}

export async function answerUnpack(answer: Answer, { destination, busy }: AgentParts) {
  const { temporary, ownership } = parse(UnpackStart, await readRecord(answer.stream));
  await busy.work(temporary, answer.signal, async (signal) =>
    join({ answer }, await destination.unpack(temporary, { ownership, signal })),
  );
}

const keptCharacters = 4000;

interface Asked {
  answer: Answer;
  carrier?: Carrier | undefined;
  /** What was read of the bytes already. */
  head?: Buffer | undefined;
}

/** Joins the request with the program; the answer ends with how the program ended. */
async function join({ answer, carrier, head }: Asked, { stream: pipe, ended }: Receiving) {
  const { stream, signal, begin, end } = answer;
  begin();
  const said = inLumps();
  const leave = () => {
    pipe.destroy();
    said.destroy();
  };
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  // Not by `pipeline`: a program that does not read to the end still has its last word.
  if (head !== undefined) pipe.write(head);
  if (carrier !== undefined) carryBy(carrier, pipe, leave);
  else carryRequest(stream, pipe, leave);
  pipe.pipe(said).pipe(carrier ?? stream, { end: false });
  pipe.once("close", () => said.end());
  await finished(said, { writable: false }).catch(() => undefined);
  const { exitCode, stderr } = await ended;
  signal.removeEventListener("abort", leave);
  // A program that has ended takes nothing more.
  carrier?.unpipe().resume().end();
  end({ exitCode, stderr: stderr.slice(-keptCharacters) });
}

/** A cut is no end: `leave` is called, also where nobody is left to be told anything. */
function carryBy(carrier: Carrier, pipe: Duplex, leave: () => void) {
  carrier.pipe(pipe);
  carrier.once("close", leave);
}

const longestWords = 64 * 1024;

/** Words that each end with a NUL byte, up to an empty one; and their bytes. */
async function readWords(stream: Readable): Promise<{ words: string[]; bytes: Buffer }> {
  let bytes = Buffer.alloc(0);
  function take() {
    const piece: Buffer | null = stream.read();
    if (piece === null) return null;
    bytes = Buffer.concat([bytes, piece]);
    const end = bytes.indexOf("\0\0");
    if (end < 0 && bytes.length > longestWords) throw endless();
    if (end < 0) return null;
    const rest = bytes.subarray(end + 2);
    if (rest.length > 0) stream.unshift(rest);
    return { words: bytes.toString("utf8", 0, end).split("\0"), bytes: bytes.subarray(0, end + 2) };
  }
  const found = await takeFrom(stream, take);
  if (found !== undefined) return found;
  throw new MigrationError("E_UNAVAILABLE", "The connection ended within rsync's arguments");
}

function endless(): MigrationError {
  return new MigrationError("E_REFUSED", "Cannot run this rsync: its arguments do not end");
}
