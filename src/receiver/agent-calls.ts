import type { z } from "zod";
import { hasCode, MigrationError } from "../core/errors.ts";
import { runProcess } from "../core/process.ts";
import { programVersion } from "../core/version.ts";
import { safeRelativePath } from "../files/entry.ts";
import type { LocalDestination } from "../files/local-destination.ts";
import { readPowers } from "../files/ownership.ts";
import type { Answer } from "./answer.ts";
import type { BusyFolders } from "./busy-folders.ts";
import { type CallName, calls, type Info, type Input, type Output } from "./calls.ts";
import type { Carriers } from "./carriers.ts";
import type { DirectListener } from "./direct-listener.ts";
import { packHashes, packLooks, unpackPaths } from "./packed.ts";
import { protocolVersion } from "./protocol.ts";
import { encodeRecord, readRecord } from "./records.ts";

/** What the answers of all sessions share. */
export interface AgentParts {
  root: string;
  destination: LocalDestination;
  busy: BusyFolders;
  carriers: Carriers;
  direct: DirectListener;
  /** At most so many files are hashed at the same time. */
  hashing: <T>(work: () => Promise<T>) => Promise<T>;
}

interface CallContext {
  parts: AgentParts;
  signal: AbortSignal;
  onBytes(count: number): void;
}

type Handlers = {
  [K in CallName]: (input: Input<K>, context: CallContext) => Promise<Output<K>>;
};

const nothing = {};

const handlers: Handlers = {
  info: (_, { parts, signal }) => tellInfo(parts.root, signal),
  listen: async ({ key, port }, { parts }) => ({ port: await parts.direct.listen(key, port) }),
  check: (_, { parts }) => parts.destination.check(),
  powers: (_, { parts }) => parts.destination.powers(),
  rsyncFeatures: (_, { parts, signal }) => parts.destination.rsyncFeatures(signal),
  space: (_, { parts }) => parts.destination.space(),
  names: (_, { parts }) => parts.destination.names(),
  async look(input, { parts }) {
    const paths = unpackPaths(input.paths);
    for (const path of paths) requireBelow(path);
    return packLooks(await parts.destination.look(paths));
  },
  async hash({ path }, { parts, signal, onBytes }) {
    requireBelow(path);
    return await parts.hashing(() => parts.destination.hash(path, { signal, onBytes }));
  },
  async hashAll(input, { parts, signal }) {
    const paths = unpackPaths(input.paths);
    for (const path of paths) requireBelow(path);
    return packHashes(await parts.hashing(() => parts.destination.hashAll(paths, signal)));
  },
  async makeTemporary({ temporary }, { parts }) {
    await parts.busy.leave(temporary);
    await parts.destination.makeTemporary(temporary);
    return nothing;
  },
  async removeTemporary({ temporary }, { parts }) {
    await parts.busy.leave(temporary);
    await parts.destination.removeTemporary(temporary);
    return nothing;
  },
  async route({ temporary }, { parts }) {
    const { root, unfinished, partial } = await parts.destination.rsync(temporary);
    return { root, unfinished, partial };
  },
  async place({ temporary, files, how }, { parts, signal }) {
    for (const { path } of files) requireBelow(path);
    return await parts.busy.work(temporary, signal, () =>
      parts.destination.place(temporary, files, how),
    );
  },
  lockNames: (_, { parts }) => parts.destination.locks.names(),
  async lockRead({ name }, { parts }) {
    const text = await parts.destination.locks.read(name);
    return text === undefined ? {} : { text };
  },
  async lockCreate({ name, text }, { parts }) {
    await parts.destination.locks.create(name, text);
    return nothing;
  },
  lockWrite: ({ name, text }, { parts }) => parts.destination.locks.write(name, text),
  async lockRemove({ name }, { parts }) {
    await parts.destination.locks.remove(name);
    return nothing;
  },
  async sync(_, { parts }) {
    await parts.destination.sync();
    return nothing;
  },
  async remove({ removals }, { parts }) {
    for (const { path } of removals) requireBelow(path);
    return await parts.destination.remove(removals);
  },
  clear: ({ path }, { parts }) => parts.destination.clear(path),
};

/** Answers one call: progress as it comes, at last the result. */
export async function answerCall(name: string, answer: Answer, parts: AgentParts) {
  if (!isCallName(name)) {
    throw new MigrationError("E_VERSION", `This agent does not know the call "${name}"`, {
      hint: "Both ends must be of one version; start the migration again",
    });
  }
  const request = await readRecord(answer.stream);
  const { onBytes, rest } = makeReporter(answer);
  const context = { parts, signal: answer.signal, onBytes };
  const result = await handle(name, parse(calls[name].input, request), context);
  answer.begin();
  const encoded = calls[name].output.encode(result as never);
  answer.stream.write(encodeRecord({ ...rest(), result: encoded }));
  answer.end(null);
}

function isCallName(name: string): name is CallName {
  return Object.hasOwn(calls, name);
}

function handle<K extends CallName>(name: K, input: unknown, context: CallContext) {
  return handlers[name](input as Input<K>, context);
}

/** Throws E_REFUSED for what is not of this protocol. */
export function parse<T extends z.ZodType>(schema: T, request: unknown): z.output<T> {
  const result = schema.safeParse(request);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new MigrationError(
    "E_REFUSED",
    `The request is malformed at "${issue?.path.join(".")}": ${issue?.message}`,
  );
}

function requireBelow(path: Buffer) {
  if (safeRelativePath(path)) return;
  throw new MigrationError("E_REFUSED", `"${path}" is not below the destination's folder`);
}

const reportBytes = 8 * 1024 * 1024;

/** Tells how much was worked on, but not of every small piece; `rest` is what was not told. */
function makeReporter(answer: Answer) {
  let pending = 0;
  function onBytes(count: number) {
    pending += count;
    if (pending < reportBytes || answer.stream.destroyed) return;
    answer.begin();
    answer.stream.write(encodeRecord({ bytes: pending }));
    pending = 0;
  }
  return { onBytes, rest: () => (pending === 0 ? {} : { bytes: pending }) };
}

async function tellInfo(root: string, signal: AbortSignal): Promise<Info> {
  const rsync = await rsyncVersion(signal);
  return {
    version: programVersion,
    protocol: protocolVersion,
    root,
    uid: process.geteuid?.() ?? -1,
    gid: process.getegid?.() ?? -1,
    powers: readPowers(),
    ...(rsync === undefined ? {} : { rsync }),
    architecture: process.arch,
    clock: Date.now(),
  };
}

async function rsyncVersion(signal: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout } = await runProcess("rsync", ["--version"], { signal });
    return /version (\S+)/.exec(stdout)?.[1];
  } catch (error) {
    if (hasCode(error, "E_PROGRAM")) return undefined;
    throw error;
  }
}
