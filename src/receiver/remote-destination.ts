import type { FileDestination, Placement, Receiving, RsyncRoute } from "../files/destination.ts";
import { type CallName, type Input, ProgramEnd } from "./calls.ts";
import { inPieces } from "./in-pieces.ts";
import { packPaths, unpackHashes, unpackLooks } from "./packed.ts";
import { paths } from "./protocol.ts";
import type { CallOptions, Session, Work } from "./session.ts";
import { type OpenCarrier, type Start, startCarried } from "./start-carried.ts";

/** A folder that an agent serves, as a destination. */
export function makeRemoteDestination(
  session: () => Promise<Session>,
  { label, openCarrier }: { label: string; openCarrier?: OpenCarrier | undefined },
): FileDestination {
  async function call<K extends CallName>(name: K, input: Input<K>, options?: CallOptions) {
    return await (await session()).call(name, input, options);
  }
  async function rsync(temporary: string): Promise<RsyncRoute> {
    const connect = async (args: readonly string[], signal: AbortSignal, isMuch: boolean) => {
      const to = await session();
      const start = { path: paths.rsync, first: { temporary, args }, signal };
      // rsync itself tells a whole end from a cut one; tar does not.
      const carrier = isMuch ? await openCarrier?.() : undefined;
      return carrier === undefined
        ? startIn(to, start)
        : receiving(startCarried(to, carrier, start));
    };
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
        async (paths) => unpackLooks(await call("look", { paths: packPaths(paths) }), paths),
      ),
    hash: (path, { signal, onBytes } = {}) => call("hash", { path }, { signal, onBytes }),
    hashAll: (all, signal) =>
      inPieces(
        all,
        (path) => path,
        async (paths) => {
          const hashes = await call("hashAll", { paths: packPaths(paths) }, { signal });
          return unpackHashes(hashes, paths.length);
        },
      ),
    makeTemporary: async (temporary) => void (await call("makeTemporary", { temporary })),
    removeTemporary: async (temporary) => void (await call("removeTemporary", { temporary })),
    rsync,
    unpack: async (temporary, { ownership, signal }) =>
      startIn(await session(), { path: paths.unpack, first: { temporary, ownership }, signal }),
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

/** Starts a program whose bytes are in the session's own stream. */
function startIn(session: Session, { path, first, signal }: Start): Promise<Receiving> {
  return receiving(session.start(path, first, signal));
}

async function receiving(work: Promise<Work>): Promise<Receiving> {
  const { stream, ended } = await work;
  const end = ended.then((value) => ProgramEnd.parse(value));
  // Who never asks how it ended must not end the process.
  end.catch(() => undefined);
  return { stream, ended: end };
}
