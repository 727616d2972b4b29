import { MigrationError } from "./errors.ts";
import type { Option, Options } from "./option.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The flags as given, and where they were not, what the environment says. */
export function withEnvironment(
  options: Options,
  parsed: Record<string, unknown>,
  env: Environment,
): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const value = parsed[name] ?? fromEnvironment(option, env);
    if (value !== undefined) flags[name] = value;
  }
  return flags;
}

function fromEnvironment(option: Option, env: Environment): unknown {
  const text = option.env === undefined ? undefined : env[option.env];
  if (text === undefined || text === "") return undefined;
  if (option.type === "boolean") return text === "1" || text === "true";
  const value = option.type === "number" ? Number(text) : text;
  checkValue(`The variable ${option.env}`, option, value);
  return option.array ? [value] : value;
}

/** Refuses flags that are unknown, given twice, without a value, or with one that cannot be. */
export function checkFlags(known: Options, parsed: Record<string, unknown>) {
  const ignored = new Set(["_", "--", "$0", "help", "h", "version"]);
  for (const [name, value] of Object.entries(parsed)) {
    if (ignored.has(name)) continue;
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined) throw unknownFlag(name, known);
    if (value === undefined) continue;
    if (Array.isArray(value) && !option.array) throw givenTwice(name, value.length);
    for (const one of [value].flat()) checkValue(`Flag --${name}`, option, one);
  }
}

function unknownFlag(name: string, known: Options): MigrationError {
  const flag = name.length === 1 ? `-${name}` : `--${name}`;
  const flags = Object.keys(known).map((other) => `--${other}`);
  return new MigrationError("E_USAGE", `There is no flag ${flag} here`, {
    hint: suggestion(flag, flags) ?? "See --help for the flags",
  });
}

function givenTwice(name: string, times: number): MigrationError {
  return new MigrationError("E_USAGE", `Flag --${name} is given ${times} times`, {
    hint: "Give it once",
  });
}

function checkValue(what: string, { type, choices, value }: Option, given: unknown) {
  if (given === "") {
    throw new MigrationError("E_USAGE", `${what} has no value`, {
      hint: choices ? `Give one of: ${choices.join(", ")}` : `Give a ${value ?? "value"} after it`,
    });
  }
  if (type === "number" && !Number.isFinite(given)) {
    throw new MigrationError("E_USAGE", `${what} must be a number`, { hint: "Give digits" });
  }
  if (choices === undefined || choices.some((choice) => choice === given)) return;
  throw new MigrationError("E_USAGE", `${what} cannot be "${given}"`, {
    hint: suggestion(String(given), choices) ?? `Give one of: ${choices.join(", ")}`,
  });
}

/** Throws E_USAGE with all flags that must be given and are not. */
export function requireFlags(options: Options, flags: Record<string, unknown>, command: string) {
  const missing = Object.entries(options)
    .filter(([name, option]) => option.required && flags[name] === undefined)
    .map(([name, option]) => nameOf(name, option));
  if (missing.length === 0) return;
  throw new MigrationError("E_USAGE", `Missing: ${missing.join(", ")}`, {
    hint: `See "${command} --help"`,
  });
}

function nameOf(name: string, { isWord, value }: Option): string {
  if (isWord) return value ?? name;
  return `--${name}${value ? ` ${value}` : ""}`;
}

/** "Did you mean …", if one of the names is near enough to what was typed. */
export function suggestion(typed: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({ name, distance: distanceOf(typed.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0];
  return near && `Did you mean "${near.name}"?`;
}

/** How many characters must be put in, taken out or changed to make one word of the other. */
function distanceOf(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > to.length) return to.length;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const changed = (row[j] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
