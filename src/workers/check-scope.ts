import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Application } from "../config/application.ts";
import { MigrationError } from "../core/errors.ts";
import { safePathPart } from "../files/entry.ts";
import { stringValue } from "../mongo/bson-build.ts";
import type { SourceDatabase } from "../mongo/database.ts";
import { equals, textOf } from "../mongo/selection.ts";
import { type Scope, scopeText } from "../plan/scope.ts";
import { readRows } from "./document-rows.ts";

const shown = 12;

/** The user or project group is known at the source: by a document, or by a folder of its own. */
export async function checkScope(
  source: SourceDatabase,
  { application, scope, sourceDir }: { application: Application; scope: Scope; sourceDir: string },
): Promise<void> {
  if (scope.kind === "server") return;
  const fields = scopeFields(application, scope.kind);
  if (fields.length === 0) {
    throw new MigrationError(
      "E_SCOPE",
      `The application "${application.application}" has no scope "${scope.kind}"`,
      { hint: "Move the whole server, or describe the scope in the application's file" },
    );
  }
  for (const { collection, field } of fields) {
    const filters = [equals(field, stringValue(scope.value))];
    if ((await source.count({ collection, filters })) > 0) return;
  }
  if (await hasFolder(application, scope, sourceDir)) return;
  const known = await knownValues(source, fields);
  const list = known.slice(0, shown).map((name) => `"${name}"`);
  const more = known.length > shown ? ` and ${known.length - shown} more` : "";
  throw new MigrationError("E_SCOPE", `The source knows no ${nounOf(scope)} "${scope.value}"`, {
    hint: known.length > 0 ? `It has ${list.join(", ")}${more}` : "It has none at all",
    fields: { scope: scopeText(scope) },
  });
}

function nounOf(scope: Scope): string {
  return scope.kind === "user" ? "user" : "project group";
}

function scopeFields(application: Application, kind: "user" | "project-group") {
  return Object.entries(application.collections).flatMap(([collection, { scopes }]) => {
    const field = scopes?.[kind];
    return field === undefined ? [] : [{ collection, field }];
  });
}

async function hasFolder(
  application: Application,
  scope: Exclude<Scope, { kind: "server" }>,
  sourceDir: string,
): Promise<boolean> {
  const folders = application.scopes?.[scope.kind]?.directories ?? [];
  if (!folders.includes(`{${scope.kind}}`) || !safePathPart(scope.value)) return false;
  if (application.never.paths.includes(scope.value)) return false;
  const found = await lstat(join(sourceDir, scope.value)).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

async function knownValues(
  source: SourceDatabase,
  fields: { collection: string; field: string }[],
): Promise<string[]> {
  const values = new Set<string>();
  const existing = new Set((await source.collections()).map(({ name }) => name));
  for (const { collection, field } of fields) {
    if (!existing.has(collection)) continue;
    for (const row of await readRows(source, { collection, filters: [] }, [field], undefined)) {
      const text = textOf(row.get(field));
      if (text !== undefined && text !== "") values.add(text);
    }
  }
  return [...values].sort();
}
