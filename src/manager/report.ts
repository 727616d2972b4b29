import { writeFileAtomic } from "../core/atomic-file.ts";
import { failpoint } from "../core/failpoints.ts";
import { redactText, redactValue } from "../core/secrets.ts";
import type { Plan } from "../plan/plan.ts";
import { makeReport } from "../state/report.ts";
import { renderReportHtml } from "../state/report-html.ts";
import type { Status } from "../state/status.ts";

/** Leaves report.json and report.html in the migration's folder. */
export async function writeReport(folder: string, plan: Plan, status: Status) {
  const report = makeReport(plan, status);
  failpoint("report.beforeWrite");
  await writeFileAtomic(
    `${folder}/report.json`,
    `${JSON.stringify(redactValue(report), undefined, 2)}\n`,
  );
  await writeFileAtomic(`${folder}/report.html`, redactText(renderReportHtml(report)));
  failpoint("report.afterWrite");
}
