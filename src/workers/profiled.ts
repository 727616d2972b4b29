import { type Depth, type Profile, type Wait, waitingForEach } from "../core/profile.ts";

interface Watching {
  what: Wait;
  /** Undefined where nobody wants to know: then all is as it was. */
  profile: Profile | undefined;
  /** Counts the calls on their way. */
  depth?: Depth;
  /** The calls that are watched; all where this is not said. */
  only?: readonly string[];
}

/** The same port; the time that its answers take is a wait of the step. */
export function profiled<T extends object>(port: T, watching: Watching): T {
  const { profile, only } = watching;
  if (profile === undefined) return port;
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      const isWatched = only === undefined || only.includes(String(name));
      if (typeof member !== "function" || !isWatched) return member;
      return (...args: unknown[]) => watch(member.apply(target, args), { ...watching, profile });
    },
  });
}

function watch(result: unknown, { what, depth, profile }: Watching & { profile: Profile }) {
  if (isIterable(result)) return waitingForEach(result, what, profile);
  if (!(result instanceof Promise)) return result;
  if (depth !== undefined) profile.depth(depth, 1);
  const answered = profile.waiting(what, result);
  if (depth === undefined) return answered;
  return answered.finally(() => profile.depth(depth, -1));
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
