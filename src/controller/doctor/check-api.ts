import { isIP } from "node:net";
import type { ClockOffset } from "../../core/clock.ts";
import { type Finding, failed, fromError, info, ok, warning } from "./finding.ts";
import { isOff } from "./is-off.ts";
import type { SideFacts } from "./side-facts.ts";

/** The API answers; what a pod of the source must reach is no address of this host alone. */
export function checkApi({ side, server, version }: SideFacts): Finding[] {
  const id = `${side}.api`;
  if (version.value === undefined) return [fromError(id, version.error)];
  const seen = `Kubernetes ${version.value} answers at ${server}`;
  if (side === "source" || !isLoopback(server)) return [ok(id, seen)];
  return [
    failed(id, "E_CONFIG", `${seen}, which is this host's own address: a pod cannot reach it`, {
      fix: "Give the API's address as pods see it: cluster.server with a token, in place of the context",
    }),
  ];
}

function isLoopback(server: string): boolean {
  const host = URL.parse(server)?.hostname.replace(/^\[|\]$/g, "") ?? "";
  if (isIP(host) === 4) return host.startsWith("127.");
  return host === "::1" || host === "localhost";
}

/** Half-closed exec streams, by which the manager is talked to, came with it. */
const oldestMinor = 30;

/** Both versions can be worked with. That they differ is usual, and told. */
export function checkKubernetes(source: SideFacts, destination: SideFacts): Finding[] {
  const id = "kubernetes.versions";
  const sides = [source, destination].flatMap(({ side, version }) =>
    version.value === undefined
      ? []
      : [{ side, text: version.value, minor: minorOf(version.value) }],
  );
  const old = sides.filter(({ minor }) => minor !== undefined && minor < oldestMinor);
  const seen = sides.map(({ side, text }) => `${side} ${text}`).join(", ");
  if (old.length > 0) {
    return [
      failed(id, "E_VERSION", `${seen}: before 1.${oldestMinor} an exec cannot end its input`, {
        fix: `Upgrade the ${old.map(({ side }) => side).join(" and the ")}'s cluster`,
      }),
    ];
  }
  if (sides.length < 2) return [];
  const [first, second] = sides;
  const isSame = first?.minor === second?.minor;
  return [isSame ? ok(id, seen) : info(id, `${seen}: they differ, which is no hindrance`)];
}

/** 34 of "v1.34.4"; undefined for what is no version of Kubernetes 1. */
function minorOf(version: string): number | undefined {
  const minor = /^v1\.(\d+)/.exec(version)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

export function checkApiClock(side: string, clock: ClockOffset | undefined): Finding[] {
  if (clock === undefined) return [];
  const id = `${side}.api-clock`;
  if (!isOff(clock)) return [ok(id, "The API's clock and this host's agree")];
  const { offsetMs } = clock;
  const seen = `The API's clock is ${(Math.abs(offsetMs) / 1000).toFixed(0)} s ${offsetMs < 0 ? "behind" : "ahead of"} this host's`;
  return [warning(id, seen, { fix: "Set the clocks right (NTP): tokens and records go by them" })];
}
