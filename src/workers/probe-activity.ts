import type { Application } from "../config/application.ts";
import { stringValue } from "../mongo/bson-build.ts";
import type { OpenSource } from "../mongo/connect.ts";
import { equals } from "../mongo/selection.ts";
import type { ProbedActivity } from "../plan/probe.ts";

/**
 * What of the application works at the source, as its documents say: states that are known to be
 * running, and those of which it is not known what they mean.
 */
export async function probeActivity(
  { source, command }: Pick<OpenSource, "source" | "command">,
  { activity }: Pick<Application, "activity">,
): Promise<ProbedActivity[]> {
  const existing = new Set((await source.collections()).map(({ name }) => name));
  const found: ProbedActivity[] = [];
  for (const [collection, { field, running, ended, what }] of Object.entries(activity ?? {})) {
    if (!existing.has(collection)) continue;
    const { values } = await command({ distinct: collection, key: field });
    for (const value of values) {
      if (typeof value !== "string" || ended.includes(value)) continue;
      const filters = [equals(field, stringValue(value))];
      const documents = await source.count({ collection, filters });
      found.push({ collection, what, value, documents, isRunning: running.includes(value) });
    }
  }
  return found;
}
