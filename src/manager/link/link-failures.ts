import { isUnavailable, MigrationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { SocksTarget } from "./socks-handshake.ts";

/** Why the targets that cannot be reached cannot: what the driver itself is not told. */
export interface LinkFailures {
  note(target: SocksTarget, reason: unknown): void;
  /** The target was reached. */
  clear(target: SocksTarget): void;
  /** The latest reason of a target that could not be reached since. */
  lastError(): string | undefined;
  /** An E_UNAVAILABLE with these reasons; any other error as it is. */
  explain(thrown: unknown): unknown;
}

const kept = 16;
const named = 3;

interface Failure {
  words: string;
  hint: string | undefined;
}

export function makeLinkFailures(log: Logger | undefined): LinkFailures {
  const failures = new Map<string, Failure>();
  function note(target: SocksTarget, reason: unknown) {
    const name = targetText(target);
    const words = `${name}: ${wordsOf(reason)}`;
    const known = failures.get(name)?.words === words;
    // The latest comes last.
    failures.delete(name);
    failures.set(name, { words, hint: hintOf(reason) });
    const [oldest] = failures.keys();
    if (failures.size > kept && oldest !== undefined) failures.delete(oldest);
    // A driver tries again and again.
    if (!known) log?.warn({ target: name, reason: wordsOf(reason) }, "Link cannot connect");
  }
  const latest = () => [...failures.values()].reverse();
  return {
    note,
    clear: (target) => void failures.delete(targetText(target)),
    lastError: () => latest()[0]?.words,
    explain: (thrown) => explain(thrown, latest()),
  };
}

function explain(thrown: unknown, failures: readonly Failure[]): unknown {
  if (!isUnavailable(thrown)) return thrown;
  if (failures.length === 0) return thrown;
  const words = failures.slice(0, named).map((failure) => failure.words);
  const hint = failures.find((failure) => failure.hint !== undefined)?.hint ?? thrown.hint;
  return new MigrationError(
    thrown.code,
    `${thrown.message} (through the link: ${words.join("; ")})`,
    {
      cause: thrown,
      fields: thrown.fields,
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

export function targetText({ host, port }: SocksTarget): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An AggregateError, of a host with several addresses, has an empty message of its own. */
export function wordsOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  if (reason.message !== "") return reason.message;
  const inner = reason instanceof AggregateError ? reason.errors.map(wordsOf) : [];
  return inner.join(", ") || reason.name;
}

function hintOf(reason: unknown): string | undefined {
  return reason instanceof MigrationError ? reason.hint : undefined;
}
