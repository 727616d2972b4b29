import { formatCount } from "../core/format.ts";
import type { Output } from "../core/output.ts";
import { type Undone, undoneParts } from "../plan/undone.ts";

/** What was taken back, or would be, and what stays with its reason. */
export function printUndone(undone: Undone, out: Output) {
  const { name, done, counts, examples, remarks, list } = undone;
  const said = done ? "was taken back" : "would be taken back; nothing was written";
  out.line(`Migration ${name} ${said}`);
  out.line("");
  out.table(
    ["WHAT", "REMOVED", "PUT BACK", "KEPT", "NOT POSSIBLE"],
    undoneParts.map((part) => {
      const { removed, putBack, kept, impossible } = counts[part];
      return [part, ...[removed, putBack, kept, impossible].map(formatCount)];
    }),
  );
  if (examples.length > 0) out.line("");
  for (const { part, name: one, action, reason } of examples) {
    const because = reason === undefined ? "" : ` (${reason})`;
    out.line(`  ${actionTexts[action]} ${part}: ${one}${because}`);
  }
  for (const remark of remarks) out.line(remark);
  if (list !== undefined) out.line(`All of it is listed in ${list}`);
  if (!done) out.line("Give --yes to do it");
}

const actionTexts = {
  removed: "remove from",
  putBack: "put back in",
  kept: "keep in",
  impossible: "cannot take back in",
};
