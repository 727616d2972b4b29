import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MigrationError } from "../../src/core/errors.ts";
import type { FileDestination, Receiving } from "../../src/files/destination.ts";
import { openLocalDestination } from "../../src/files/local-destination.ts";
import { startReceiving } from "../../src/files/receiving.ts";
import { extractArguments } from "../../src/files/tar.ts";
import { tempDir } from "./temp-dir.ts";

/** One stream to the destination, for a test to disturb. */
interface Stream {
  /** What runs at the other end: `rsync` or `tar`. */
  program: "rsync" | "tar";
  /** The how-manieth stream to the destination it is, from 0. */
  at: number;
  receiving: Receiving;
  /** Kills the program at the other end. */
  kill(): void;
  /** Breaks the connection, as a network does. */
  cut(): void;
}

/** Disturbs a stream as soon as it was sent so many bytes. */
export function onceSent(stream: Stream, bytes: number, disturb: () => void) {
  const { stream: pipe } = stream.receiving;
  const write = pipe.write.bind(pipe) as (...args: unknown[]) => boolean;
  let sent = 0;
  pipe.write = (piece: Buffer, ...rest: unknown[]) => {
    const before = sent;
    sent += piece.length;
    if (before < bytes && sent >= bytes) disturb();
    return write(piece, ...rest);
  };
}

/**
 * A folder of this machine as a remote destination: rsync gets there only through a stream to a
 * real `rsync --server`. `onStream` may throw, or disturb what was started.
 */
export function streamedDestination(
  root: string,
  onStream: (stream: Stream) => void = () => undefined,
): FileDestination {
  const local = openLocalDestination(root);
  const folder = tempDir();
  let count = 0;
  function begin(program: Stream["program"], args: readonly string[], signal: AbortSignal) {
    const at = count++;
    const pidFile = join(folder, `pid-${at}`);
    const named = ["-c", 'echo $$ > "$0"; exec "$@"', pidFile, program, ...args];
    const receiving = startReceiving("sh", named, signal);
    const kill = () => void process.kill(-Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    const { cut, ended } = breakable(receiving);
    const broken = { ...receiving, ended };
    onStream({ program, at, receiving: broken, kill, cut });
    return broken;
  }
  return {
    ...local,
    rsync: async (temporary) => ({
      ...(await local.rsync(temporary)),
      connect: async (args, signal) => begin("rsync", args, signal),
    }),
    unpack: async (temporary, { ownership, signal }) => {
      const { root: into } = await local.rsync(temporary);
      const staging = join(into, temporary, "staging");
      return begin("tar", extractArguments(staging, ownership), signal);
    },
  };
}

function breakable({ stream, ended }: Receiving) {
  let fail: (error: Error) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => {
    fail = reject;
  });
  broken.catch(() => undefined);
  function cut() {
    fail(new MigrationError("E_UNAVAILABLE", "The connection was reset by the test"));
    stream.destroy(new Error("reset"));
  }
  return { cut, ended: Promise.race([ended, broken]) };
}
