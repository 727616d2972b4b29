import { describe, expect, it } from "vitest";
import { checkClocks, checkReach } from "../../../src/controller/doctor/check-probe.ts";
import { checkProbedDestination } from "../../../src/controller/doctor/check-probe-destination.ts";
import { checkProbedSource } from "../../../src/controller/doctor/check-probe-source.ts";
import { checkTraffic, crossingOf } from "../../../src/controller/doctor/check-traffic.ts";
import type { Finding } from "../../../src/controller/doctor/finding.ts";
import { noVerdicts } from "../../../src/core/verdict.ts";
import { Forecast } from "../../../src/plan/forecast.ts";
import { Probe, type ProbedDestination, type ProbedSource } from "../../../src/plan/probe.ts";
import { samplePlan } from "../../support/sample-plan.ts";

const clock = { offsetMs: 3, uncertaintyMs: 2 };
const database = { hosts: "db:27017", version: "4.2.6", driver: "current", user: "u", clock };
const failure = { code: "E_UNAVAILABLE", message: "It is gone", hint: "Bring it back" };

interface Changes {
  source?: Partial<ProbedSource>;
  destination?: Partial<ProbedDestination>;
  databases?: Probe["databases"];
}

/** Of two healthy sides, with some of it otherwise. */
function probe({ source, destination, databases }: Changes = {}): Probe {
  return Probe.parse({
    version: 1,
    source: {
      space: { value: { freeBytes: 2 ** 30, freeFiles: 1000 } },
      workDir: { value: { dir: "/a/logs" } },
      files: {
        value: {
          ...{ entries: 100, bytes: 2 ** 20, isComplete: true, owners: 1, setId: 0, special: 0 },
          unreadable: { count: 0, examples: [] },
          mostOwned: [{ uid: 1001, gid: 0, entries: 100 }],
        },
      },
      reach: [{ host: "db:27017", addresses: ["10.0.0.1"] }],
      database: { value: database },
      rights: { value: { collections: 20 } },
      activity: { value: [] },
      ...source,
    },
    destination: {
      api: { value: { version: "v1.34.4" } },
      apiClock: { value: { offsetMs: 400, uncertaintyMs: 550 } },
      receiver: {
        value: {
          ...{ version: "0.1.0", uid: 1000, gid: 0, architecture: "x64", rsync: "3.2.7", clock },
          ...{ startSeconds: 2, route: "direct" },
        },
      },
      space: { value: { freeBytes: 2 ** 30 } },
      powers: { value: { preserve: false } },
      reach: [{ host: "to:27017", addresses: ["10.0.0.2"] }],
      link: { value: { link: "direct", reason: "It can be reached" } },
      database: { value: { ...database, version: "6.0.1" } },
      rights: { value: {} },
      ...destination,
    },
    databases: databases ?? { value: { isSame: false } },
  });
}

function findings(changes: Changes = {}, ownership: "inherit" | "preserve" = "inherit") {
  const plan = samplePlan();
  const wanted = { ...plan, options: { ...plan.options, ownership } };
  const seen = probe(changes);
  const all = [
    ...checkProbedSource(wanted, seen),
    ...checkProbedDestination(wanted, seen),
    ...checkClocks(seen),
  ];
  return (id: string): Finding[] => all.filter((one) => one.id === id);
}

describe("what is seen from within the pod", () => {
  it("has no error and no warning where both sides are healthy", () => {
    const plan = samplePlan();
    const all = [
      ...checkProbedSource(plan, probe()),
      ...checkProbedDestination(plan, probe()),
      ...checkClocks(probe()),
    ];
    const bad = all.filter(({ severity }) => severity === "error" || severity === "warning");
    expect(bad).toEqual([]);
  });

  it("is an error in its own words where a part of it failed, and the rest is there", () => {
    const of = findings({ source: { database: { failure }, rights: undefined } });
    expect(of("source.database")).toEqual([
      {
        ...{ id: "source.database", severity: "error", code: "E_UNAVAILABLE" },
        ...{ seen: "It is gone", fix: "Bring it back" },
      },
    ]);
    expect(of("source.files")).toMatchObject([{ severity: "ok" }]);
    expect(of("destination.database")).toMatchObject([{ severity: "ok" }]);
  });

  it("names the first unreadable files, and how many more there are", () => {
    const files = {
      ...{
        entries: 100,
        bytes: 5,
        isComplete: true,
        owners: 1,
        setId: 0,
        special: 0,
        mostOwned: [],
      },
      unreadable: { count: 7, examples: [{ path: "a", reason: "EACCES" }] },
    };
    expect(findings({ source: { files: { value: files } } })("source.files")).toMatchObject([
      { severity: "warning", details: ["a: EACCES", "and 6 more"] },
    ]);
  });

  it("tells a receiver that did not start once, not once for each thing that needs it", () => {
    const gone = { failure };
    const of = findings({ destination: { receiver: gone, space: gone, powers: gone } });
    expect(of("destination.receiver")).toMatchObject([{ severity: "error" }]);
    expect(of("destination.space")).toEqual([]);
    expect(of("destination.ownership")).toEqual([]);
  });

  it("says of a pod that is not ours that it can receive, and wants no rsync of it", () => {
    const value = { uid: 1, gid: 1, architecture: "x64", clock, startSeconds: 0 };
    const receiver = { value: { ...value, route: "exec", reason: "It is not ours" } } as const;
    expect(findings({ destination: { receiver } })("destination.receiver")).toMatchObject([
      { severity: "ok", seen: expect.stringMatching(/^The pod can receive files.*It is not ours/) },
    ]);
  });

  it("warns of a volume that is smaller than the source, by bytes or by names", () => {
    const bytes = { value: { freeBytes: 1000 } };
    const names = { value: { freeBytes: 2 ** 30, freeFiles: 99 } };
    for (const space of [bytes, names]) {
      expect(findings({ destination: { space } })("destination.space")).toMatchObject([
        { severity: "warning" },
      ]);
    }
  });

  it("refuses to keep owners where the receiver may not, and says what is lost otherwise", () => {
    expect(findings({}, "preserve")("destination.ownership")).toMatchObject([
      { severity: "error", code: "E_PERMISSION" },
    ]);
    expect(findings()("destination.ownership")).toMatchObject([
      {
        severity: "info",
        details: ["1 pair of owner and group at the source: 100 of 1001:0"],
      },
    ]);
  });

  it("refuses the same database, and an older destination", () => {
    const same = findings({ databases: { value: { isSame: true } } });
    expect(same("database.differs")).toMatchObject([{ code: "E_SAME_SERVER" }]);
    const old = findings({
      destination: { database: { value: { ...database, driver: "current", version: "4.0.9" } } },
    });
    expect(old("database.versions")).toMatchObject([{ code: "E_VERSION" }]);
  });

  it("calls a clock wrong only by what the measurement cannot be wrong by", () => {
    const off = (offsetMs: number, uncertaintyMs: number) =>
      findings({ destination: { apiClock: { value: { offsetMs, uncertaintyMs } } } })("clocks");
    expect(off(2500, 600)).toMatchObject([{ severity: "ok" }]);
    expect(off(-2700, 600)).toMatchObject([
      {
        severity: "warning",
        seen: "Clocks differ from the manager's: the destination's API is 2.7 s behind",
      },
    ]);
  });
});

describe("a database's hosts", () => {
  const up = { host: "a:27017", addresses: ["10.0.0.1"] };
  const down = { host: "b:27017", addresses: [], problem: "its name is not known" };
  it.each([
    [[up], true, "ok"],
    [[up, down], true, "warning"],
    [[down], true, "error"],
    [[down], false, "info"],
  ] as const)("%j, needed %s, are %s", (reach, isNeeded, severity) => {
    expect(checkReach("source", reach, isNeeded)).toMatchObject([{ severity }]);
  });
});

describe("what crosses the API server", () => {
  const receiver = (route: "direct" | "exec") => ({
    value: {
      ...{ version: "0.1.0", uid: 1, gid: 1, architecture: "x64", rsync: "3", clock },
      ...{ startSeconds: 1, route },
    },
  });
  it.each([
    ["direct", "direct", { files: false, documents: false }],
    ["direct", "relay", { files: false, documents: false }],
    ["direct", "port-forward", { files: false, documents: true }],
    ["exec", "direct", { files: true, documents: false }],
    ["exec", "relay", { files: true, documents: true }],
  ] as const)("by %s and %s is %j", (route, link, crossing) => {
    const seen = probe({
      destination: { receiver: receiver(route), link: { value: { link, reason: "" } } },
    });
    expect(crossingOf(seen)).toEqual(crossing);
  });

  const forecast = Forecast.parse({
    items: [
      {
        ...{ id: "server", scope: "server", owners: [], outside: [], leftOut: [] },
        missing: { count: 0, examples: [] },
        unsafe: { count: 0, examples: [] },
        documents: [
          {
            ...{ collection: "A", documents: 1, bytes: 1024, verdicts: noVerdicts() },
            ...{ examples: [], unchecked: 0 },
          },
        ],
        files: {
          ...{ entries: 1, bytes: 9999, verdicts: noVerdicts(), bytesToSend: 2048, examples: [] },
        },
      },
    ],
    space: {
      destination: { neededBytes: 0, freeBytes: 0 },
      workDir: { neededBytes: 0, freeBytes: 0 },
    },
  });

  it("is counted by what a run would send", () => {
    const both = { files: true, documents: true };
    expect(checkTraffic(both, { value: forecast })).toMatchObject([
      {
        severity: "info",
        seen: "2.0 KiB of files and up to 1.0 KiB of documents would cross the destination's API server",
      },
    ]);
    expect(checkTraffic({ files: false, documents: false }, undefined)).toMatchObject([
      { severity: "ok", seen: expect.stringMatching(/^0 bytes/) },
    ]);
    expect(checkTraffic(undefined, undefined)).toEqual([]);
  });
});
