import { type ErrorCode, isErrorCode } from "../../core/errors.ts";
import type { Probe, ProbeAnswer, ProbeFailure, Reach } from "../../plan/probe.ts";
import { type Finding, failed, info, ok, warning } from "./finding.ts";
import { isOff } from "./is-off.ts";

/** A failure of a part of the probe, in its own words. */
function fromFailure(id: string, { code, message, hint }: ProbeFailure): Finding {
  const known: ErrorCode = isErrorCode(code) ? code : "E_UNEXPECTED";
  return failed(id, known, message, hint === undefined ? {} : { fix: hint });
}

/** The finding of an answer, or of the failure to get one; none where it was not asked for. */
export function findingOf<T>(
  id: string,
  answer: ProbeAnswer<T> | undefined,
  check: (value: T) => Finding | Finding[],
): Finding[] {
  if (answer === undefined) return [];
  return "failure" in answer ? [fromFailure(id, answer.failure)] : [check(answer.value)].flat();
}

/** Names and ports of a database as the manager's pod sees them. */
export function checkReach(side: string, reach: readonly Reach[], isNeeded: boolean): Finding[] {
  const id = `${side}.network`;
  if (reach.length === 0) return [];
  const details = reach.map(
    ({ host, addresses, problem }) =>
      `${host} (${addresses.join(", ") || "no address"}): ${problem ?? "connected"}`,
  );
  const reached = reach.filter(({ problem }) => problem === undefined);
  const hosts = reach.map(({ host }) => host).join(", ");
  if (reached.length === reach.length) {
    return [ok(id, `The pod's DNS knows ${hosts}, and it connects`, { details })];
  }
  const first = reach.find(({ problem }) => problem !== undefined);
  const seen = `From the pod ${first?.host ?? hosts} cannot be reached: ${first?.problem ?? ""}`;
  if (reached.length > 0) {
    return [
      warning(id, seen, { details, fix: "Check that every member of the replica set is up" }),
    ];
  }
  if (!isNeeded) return [info(id, `${seen}; another link leads there`, { details })];
  return [
    failed(id, "E_UNAVAILABLE", seen, {
      details,
      fix: "Check the Service's name, NetworkPolicies of the namespace, and that the database runs",
    }),
  ];
}

/** Of every clock that was asked, how far it is from the manager's. */
export function checkClocks({ source, destination }: Probe): Finding[] {
  const clocks = [
    ["the source's database", probedValue(source.database)?.clock],
    ["the receiver", probedValue(destination.receiver)?.clock],
    ["the destination's database", probedValue(destination.database)?.clock],
    ["the destination's API", probedValue(destination.apiClock)],
  ] as const;
  const known = clocks.flatMap(([name, clock]) => (clock === undefined ? [] : [{ name, clock }]));
  if (known.length === 0) return [];
  const id = "clocks";
  const details = known.map(
    ({ name, clock }) => `${name}: ${seconds(clock.offsetMs)} (±${seconds(clock.uncertaintyMs)})`,
  );
  const off = known.filter(({ clock }) => isOff(clock));
  if (off.length === 0) {
    return [ok(id, "All clocks agree with the manager's within 2 s", { details })];
  }
  const seen = off.map(
    ({ name, clock }) =>
      `${name} is ${seconds(Math.abs(clock.offsetMs))} ${clock.offsetMs < 0 ? "behind" : "ahead"}`,
  );
  return [
    warning(id, `Clocks differ from the manager's: ${seen.join("; ")}`, {
      details,
      fix: "Set the clocks right (NTP): --on-conflict newest and the records go by them",
    }),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function probedValue<T>(answer: ProbeAnswer<T> | undefined): T | undefined {
  return answer !== undefined && "value" in answer ? answer.value : undefined;
}
