import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Pod } from "../../../src/kube/pod.ts";
import { lastEndOf } from "../../../src/kube/pod-end.ts";

/** As a kubelet wrote it of a program that took more than its 64 MiB. */
const killed = Pod.parse(
  JSON.parse(
    readFileSync(new URL("../../fixtures/vectors/pod/oom-killed.json", import.meta.url), "utf8"),
  ),
);
const [container] = killed.status?.containerStatuses ?? [];

function podOf(changes: object): Pod {
  const containerStatuses = [{ ...container, ...changes }];
  return Pod.parse({ ...killed, status: { ...killed.status, containerStatuses } });
}

it("tells that a container was killed for want of memory, and what its limit was", () => {
  expect(lastEndOf(killed)).toMatchInlineSnapshot(
    `"It was killed for want of memory (OOMKilled, limit of 64Mi); it was begun again 2 times. Give --limits memory=… more."`,
  );
});

it("tells it of a container that works again, and of one that ended otherwise", () => {
  const terminated = container?.state?.terminated ?? container?.lastState?.terminated;
  const works = { state: { running: {} }, lastState: { terminated }, restartCount: 2 };
  expect(lastEndOf(podOf(works))).toContain(
    "OOMKilled, limit of 64Mi); it was begun again 2 times",
  );
  const other = { ...works, lastState: { terminated: { ...terminated, reason: "Error" } } };
  expect(lastEndOf(podOf(other))).toBe("It ended with exit code 137; it was begun again 2 times.");
  expect(lastEndOf(podOf({ state: { running: {} }, lastState: {}, restartCount: 0 }))).toBe(
    undefined,
  );
});
