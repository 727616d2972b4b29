import type { Finding, Severity } from "../controller/doctor/finding.ts";
import type { Output } from "../core/output.ts";

/** A row for each finding; then what is to be done, the worst first. */
export function printFindings(findings: readonly Finding[], out: Output) {
  out.table(
    ["CHECK", "STATE", "SEEN"],
    findings.map(({ id, severity, seen }) => [id, severity, seen]),
  );
  const shown = [...findings]
    .filter(({ severity, fix }) => severity !== "ok" || fix !== undefined)
    .filter(({ fix, details }) => fix !== undefined || (details ?? []).length > 0)
    .sort((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity));
  for (const finding of shown) printFinding(finding, out);
  out.line("");
  out.line(summaryOf(findings));
}

const order: readonly Severity[] = ["error", "warning", "info", "ok"];

function printFinding({ id, severity, details = [], fix }: Finding, out: Output) {
  out.line("");
  out.line(`${id} (${severity})`);
  for (const line of details) out.line(`  ${line}`);
  const [first, ...rest] = fix?.split("\n") ?? [];
  if (first !== undefined) out.line(`  Fix: ${first}`);
  for (const line of rest) out.line(`    ${line}`);
}

function summaryOf(findings: readonly Finding[]): string {
  const counts = order.map((severity) => {
    const count = findings.filter((one) => one.severity === severity).length;
    return `${count} ${severity}`;
  });
  return counts.join(", ");
}
