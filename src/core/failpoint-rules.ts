import { appendFileSync } from "node:fs";
import { getSystemErrorMap } from "node:util";
import { isErrorCode, MigrationError } from "./errors.ts";
import { suggestion } from "./flags.ts";

/** Called with each failpoint that is passed; does what its rules say. */
export type Pass = (name: string) => void;

type Act = (name: string) => void;

interface Rule {
  /** A failpoint, or "*" for all of them together. */
  name: string;
  act: Act;
  /** Which pass, from 1; undefined for each. */
  at: number | undefined;
}

const everyFailpoint = "*";

/**
 * The rules of `MIGCTL_FAILPOINTS`: `name=action` or `name=action@n`, with ";" between them, where
 * the name "*" counts the passes of all. `MIGCTL_FAILPOINTS_TRACE` names a file that gets the name
 * of each one as it is passed.
 */
export function failpointRules(
  env: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): Pass {
  const trace = env["MIGCTL_FAILPOINTS_TRACE"];
  const parts = (env["MIGCTL_FAILPOINTS"] ?? "").split(";").filter((part) => part.trim() !== "");
  const rules = parts.map((part) => parseRule(part.trim(), known));
  const passes = new Map<string, number>();
  return function pass(name) {
    if (trace) appendFileSync(trace, `${name}\n`);
    for (const counted of [name, everyFailpoint]) {
      const count = (passes.get(counted) ?? 0) + 1;
      passes.set(counted, count);
      for (const rule of rules) {
        if (rule.name === counted && (rule.at ?? count) === count) rule.act(name);
      }
    }
  };
}

function parseRule(text: string, known: readonly string[]): Rule {
  const { name, action, value, at } = ruleSyntax.exec(text)?.groups ?? {};
  if (name === undefined || action === undefined) {
    throw malformed(text, "expected name=action or name=action@n");
  }
  if (name !== everyFailpoint && !known.includes(name)) {
    throw malformed(text, `there is no failpoint "${name}"`, suggestion(name, known));
  }
  return { name, act: parseAction(text, action, value), at: at === undefined ? at : Number(at) };
}

const ruleSyntax =
  /^(?<name>[a-zA-Z.]+|\*)=(?<action>[a-z]+)(?::(?<value>[A-Z0-9_]+))?(?:@(?<at>[1-9][0-9]*))?$/;

function parseAction(text: string, action: string, value: string | undefined): Act {
  if (action === "kill" && value === undefined) return () => process.kill(process.pid, "SIGKILL");
  if (action === "stop" && value === undefined) return () => process.kill(process.pid, "SIGSTOP");
  if (action === "delay" && /^[0-9]+$/.test(value ?? "")) return () => standStill(Number(value));
  if (action === "throw" && value !== undefined) return makeThrow(text, value);
  throw malformed(text, "expected kill, stop, delay:<milliseconds> or throw:<code>");
}

/** Nothing else of the process goes on meanwhile, as if it got no time from the system. */
function standStill(milliseconds: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function makeThrow(text: string, code: string): Act {
  if (isErrorCode(code)) {
    return (name) => {
      throw new MigrationError(code, `The failpoint "${name}" was passed`);
    };
  }
  const known = [...getSystemErrorMap()].find(([, [name]]) => name === code);
  if (known === undefined) throw malformed(text, `there is no error "${code}"`);
  const [errno, [, meaning]] = known;
  return (name) => {
    const syscall = `failpoint ${name}`;
    throw Object.assign(new Error(`${code}: ${meaning}, ${syscall}`), { code, errno, syscall });
  };
}

function malformed(text: string, reason: string, suggested?: string): MigrationError {
  const message = `Cannot take the failpoint "${text}" from MIGCTL_FAILPOINTS: ${reason}`;
  const hint = suggested ?? "For instance restore.afterBatch=kill@3;journal.afterWrite=throw:EIO";
  return new MigrationError("E_USAGE", message, { hint });
}
