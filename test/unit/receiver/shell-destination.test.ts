import { onTestFinished } from "vitest";
import { makeShellDestination } from "../../../src/receiver/shell/shell-destination.ts";
import { describeDestination } from "../../support/destination-contract.ts";
import { localExec } from "../../support/local-exec.ts";
import { pathWith } from "../../support/shell-tools.ts";

for (const tools of ["gnu", "busybox"] as const) {
  const path = pathWith(tools);
  if (path === undefined) continue;
  describeDestination(`a folder by the commands of ${tools}`, async (root) => {
    const destination = makeShellDestination({ ...localExec({ path }), root, label: root });
    onTestFinished(() => destination.close());
    return destination;
  });
}
