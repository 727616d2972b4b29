import { readFile } from "node:fs/promises";
import { registerUriSecret } from "../../core/secrets.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Collected } from "../../state/collect.ts";
import { makeReport } from "../../state/report.ts";
import type { Status } from "../../state/status.ts";
import type { Part, Piece } from "./gather.ts";

/** Plan and status of a migration; each throws where it is there and cannot be read. */
export interface Records {
  plan(): Promise<Plan | undefined>;
  status(): Promise<Status | undefined>;
}

/** What is kept of a migration: plan, status and the report that is made of them. */
export function recordParts({ plan, status }: Records): Part[] {
  return [
    { path: "plan.json", read: async () => [pieceOf("plan.json", await plan())] },
    { path: "status.json", read: async () => [pieceOf("status.json", await status())] },
    {
      path: "report.json",
      async read() {
        const [made, reached] = [await plan(), await status()];
        const isWhole = made !== undefined && reached !== undefined;
        return [pieceOf("report.json", isWhole ? makeReport(made, reached) : undefined)];
      },
    },
  ];
}

function pieceOf(path: string, value: unknown): Piece {
  return value === undefined ? { path, missing: "There is none" } : { path, value };
}

/** The migration's folder as `collect` reads it, wherever that is. */
export function folderPart(collect: () => Promise<Collected>): Part {
  return {
    path: "folder",
    async read() {
      const { texts, unread, ...about } = await collect();
      return [
        { path: "folder.json", value: about },
        ...Object.entries(texts).map(([name, lines]) => ({ path: `folder/${name}`, lines })),
        ...Object.entries(unread).map(([name, missing]) => ({ path: `folder/${name}`, missing })),
      ];
    },
  };
}

/** So that the passwords of databases on this machine are masked too, where they can be read. */
export async function registerDatabases({ source, destination }: Plan) {
  for (const { database } of [source, destination]) {
    if (database === undefined) continue;
    await readFile(database.uriFile, "utf8").then(
      (uri) => registerUriSecret(uri.trim()),
      // It is in the manager's pod, or gone meanwhile.
      () => undefined,
    );
  }
}
