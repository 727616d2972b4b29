import { expect, it } from "vitest";
import { printFindings } from "../../../src/cli/doctor-view.ts";
import { failed, info, ok, warning } from "../../../src/controller/doctor/finding.ts";
import { captureOutput } from "../../support/sinks.ts";

it("prints a row for each check, then the fixes, the worst first", () => {
  const captured = captureOutput();
  printFindings(
    [
      ok("source.api", "Kubernetes v1.34.4 answers", { details: ["not shown"] }),
      info("source.writers", "They write", { fix: "Give --quiesce" }),
      warning("source.files", "1 of 9 names cannot be read", { details: ["a: EACCES"] }),
      failed("source.rights", "E_PERMISSION", "1 right is missing", {
        ...{ details: ["get pods"], fix: "Have this Role bound:\nkind: Role\nrules:\n  - x" },
      }),
    ],
    captured.out,
  );
  expect(captured.stdout()).toMatchInlineSnapshot(`
    "CHECK            STATE     SEEN
    source.api       ok        Kubernetes v1.34.4 answers
    source.writers   info      They write
    source.files     warning   1 of 9 names cannot be read
    source.rights    error     1 right is missing

    source.rights (error)
      get pods
      Fix: Have this Role bound:
        kind: Role
        rules:
          - x

    source.files (warning)
      a: EACCES

    source.writers (info)
      Fix: Give --quiesce

    1 error, 1 warning, 1 info, 1 ok
    "
  `);
});
