import { MigrationError } from "../../core/errors.ts";
import { type Powers, powersOf } from "../../files/ownership.ts";
import { call } from "./call.ts";
import type { Exec } from "./exec.ts";
import { facts as script } from "./scripts.ts";
import { missingTool } from "./tool-error.ts";

/** What there is to know of a pod and its tools. */
export interface ShellFacts {
  uid: number;
  gid: number;
  architecture: string;
  /** Milliseconds since 1970 by the clock there, which tells the second alone. */
  clock: number;
  powers: Powers;
  /** Its version, where there is one. */
  rsync?: string;
}

/** Asks the pod; throws E_PROGRAM where a tool is missing, or tells less than is needed. */
export async function readFacts(exec: Exec, signal?: AbortSignal): Promise<ShellFacts> {
  const { stdout } = await call(exec, { script, what: "tell what tools it has", signal });
  const values = Map.groupBy(
    stdout.toString("latin1").split("\n"),
    (line) => line.split(" ", 1)[0],
  );
  const all = (word: string) =>
    (values.get(word) ?? []).map((line) => line.slice(word.length + 1).trim());
  const one = (word: string) => all(word)[0] ?? "";
  const missing = all("missing");
  if (missing.length > 0) throw missingTool(missing.join(", no "));
  if (!/\.(?!0{9})\d{9}/.test(one("times"))) throw noNanoseconds();
  const uid = Number(one("uid"));
  const rsync = /version (\S+)/.exec(one("rsync"))?.[1];
  return {
    ...{ uid, gid: Number(one("gid")), architecture: one("architecture") },
    clock: Number(one("clock")) * 1000 + 500,
    powers: powersOf(uid === 0, BigInt(`0x${one("capabilities") || "0"}`)),
    ...(rsync === undefined ? {} : { rsync }),
  };
}

/** Times are compared to the nanosecond, as rsync sets them: with less, nothing would be equal. */
function noNanoseconds(): MigrationError {
  return new MigrationError("E_PROGRAM", "The stat of the destination's pod tells no nanoseconds", {
    hint: "Name a pod with GNU coreutils or a newer busybox, or leave pod out of the network config",
  });
}
