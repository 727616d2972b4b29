import type { FileDestination, Placement, Receiving, RsyncRoute } from "../files/destination.ts";
import type { Ownership } from "../files/ownership.ts";
import { type CallName, type Input, ProgramEnd } from "./calls.ts";
import { inPieces } from "./in-pieces.ts";
import { paths } from "./protocol.ts";
import type { CallOptions, Session } from "./session.ts";

/** A folder that an agent serves, as a destination. */
export function makeRemoteDestination(
  session: () => Promise<Session>,
  label: string,
): FileDestination {
  async function call<K extends CallName>(name: K, input: Input<K>, options?: CallOptions) {
    return await (await session()).call(name, input, options);
  }
  async function start(path: string, first: unknown, signal: AbortSignal): Promise<Receiving> {
    const { stream, ended } = await (await session()).start(path, first, signal);
    const end = ended.then((value) => ProgramEnd.parse(value));
    // Who never asks how it ended must not end the process.
    end.catch(() => undefined);
    return { stream, ended: end };
  }
  async function rsync(temporary: string): Promise<RsyncRoute> {
    const connect = (args: readonly string[], signal: AbortSignal) =>
      start(paths.rsync, { temporary, args }, signal);
    return { ...(await call("route", { temporary })), connect };
  }
  return {
    label,
    check: () => call("check", {}),
    powers: () => call("powers", {}),
    rsyncFeatures: (signal) => call("rsyncFeatures", {}, { signal }),
    space: () => call("space", {}),
    names: () => call("names", {}),
    look: (all) =>
      inPieces(
        all,
        (path) => path,
        (paths) => call("look", { paths }),
      ),
    hash: (path, { signal, onBytes } = {}) => call("hash", { path }, { signal, onBytes }),
    makeTemporary: async (temporary) => void (await call("makeTemporary", { temporary })),
    removeTemporary: async (temporary) => void (await call("removeTemporary", { temporary })),
    rsync,
    unpack: (temporary, { ownership, signal }: { ownership: Ownership; signal: AbortSignal }) =>
      start(paths.unpack, { temporary, ownership }, signal),
    place: (temporary, all: readonly Placement[], how) =>
      inPieces(
        all,
        ({ path }) => path,
        (files) => call("place", { temporary, files, how }),
      ),
    locks: {
      names: () => call("lockNames", {}),
      read: async (name) => (await call("lockRead", { name })).text,
      create: async (name, text) => void (await call("lockCreate", { name, text })),
      write: (name, text) => call("lockWrite", { name, text }),
      remove: async (name) => void (await call("lockRemove", { name })),
    },
    sync: async () => void (await call("sync", {})),
    remove: (all) =>
      inPieces(
        all,
        ({ path }) => path,
        (removals) => call("remove", { removals }),
      ),
    clear: (path) => call("clear", { path }),
    close: () => undefined,
  };
}
