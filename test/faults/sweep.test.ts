import { appendFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { enabled, makeBed, type Tried } from "./bed.ts";
import { allFaults, chooseFaults, type Fault, faultText } from "./choose.ts";
import type { Ended, Lane } from "./lane.ts";

/** `npm run test:faults` sets these; without them it is a tenth that is always the same. */
const { MIGCTL_FAULTS_ALL, MIGCTL_FAULTS_ONLY, MIGCTL_FAULTS_RESULTS } = process.env;
const seed = process.env["MIGCTL_FAULTS_SEED"] ?? "1";

const bed = await makeBed();
afterAll(() => bed.close());

/** Each of these was a loss once; they are tried whatever the seed. */
const lostOnce = ["state.afterWrite=throw:EIO@9", "report.beforeWrite=kill@1"];

const cases = [...bed.tried].map(([{ name }, tried]) => {
  return { name, tried, operations: tried.trace.length, faults: wanted(tried) };
});

describe.each(cases.filter(({ faults }) => faults.length > 0))(
  "a migration of $operations operations to $name",
  ({ name, tried, faults }) => {
    it.concurrent.each(faults.map((fault) => ({ fault, text: faultText(fault) })))(
      "loses nothing to $text",
      async ({ fault, text }) => {
        const result = { situation: name, fault: text, ...fault, ended: "", survived: false };
        try {
          await tried.withLane(async (lane) => {
            await lane.reset();
            const faulty = await lane.manage({ ...enabled, MIGCTL_FAILPOINTS: text });
            result.ended = String(faulty.end);
            await expectRepaired(lane, tried);
            expectOrderly(faulty, fault);
          });
          result.survived = true;
        } finally {
          record(result);
        }
      },
    );
  },
);

/** One line for each fault, so that they are there also when the sweep is stopped. */
function record(result: object) {
  if (MIGCTL_FAULTS_RESULTS) appendFileSync(MIGCTL_FAULTS_RESULTS, `${JSON.stringify(result)}\n`);
}

function wanted({ trace }: Tried): Fault[] {
  const faults = allFaults(trace);
  if (MIGCTL_FAULTS_ONLY !== undefined) {
    return faults.filter((fault) => faultText(fault) === MIGCTL_FAULTS_ONLY);
  }
  if (MIGCTL_FAULTS_ALL === "1") return faults;
  const known = faults.filter((fault) => lostOnce.includes(faultText(fault)));
  return [...new Set([...known, ...chooseFaults(faults, seed)])];
}

/** A fault ends a run as the table of exit codes says, or not at all where it was made good. */
function expectOrderly({ end, output }: Ended, { action }: Fault) {
  expect(output).not.toContain("canary");
  if (action === "kill") expect(["SIGKILL", 0, 3], output).toContain(end);
  else expect([0, 3, 5, 8], output).toContain(end);
}

/** The same command again, without the fault, and once more with --rerun where it left findings. */
async function expectRepaired(lane: Lane, { end, report }: Tried) {
  const again = await lane.manage({});
  expect(again.output).not.toContain("canary");
  expect([0, 3], again.output).toContain(again.end);
  if (again.end === end) {
    lane.expectSameReport(report);
  } else {
    const rerun = await lane.manage({}, "--rerun");
    expect(rerun.end, rerun.output).toBe(end);
  }
  await lane.expectEqual();
}
