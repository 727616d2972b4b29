import type { DatabaseSync } from "node:sqlite";
import type { Completions } from "../../core/ledger.ts";
import { guard } from "./database.ts";
import type { Numbers } from "./numbers.ts";

export function openCompletions(database: DatabaseSync, path: string, runs: Numbers): Completions {
  const put = database.prepare("INSERT OR REPLACE INTO completions VALUES (?, ?, ?, ?)");
  const list = database.prepare(
    "SELECT scope, run, at FROM completions WHERE part = ? ORDER BY scope",
  );
  const remove = database.prepare("DELETE FROM completions WHERE run = ?");
  return {
    forget(names) {
      guard(path, () => {
        for (const name of names) remove.run(runs.find(name) ?? null);
      });
    },
    record(part, scope, run, at) {
      guard(path, () => put.run(part, scope, runs.numberOf(run), Math.round(at)));
    },
    list: (part) =>
      guard(path, () =>
        list.all(part).map(({ scope, run, at }) => ({
          scope: String(scope),
          run: runs.nameOf(Number(run)),
          at: Number(at),
        })),
      ),
  };
}
