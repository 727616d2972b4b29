import { stat } from "node:fs/promises";
import { sep } from "node:path";
import { MigrationError } from "../core/errors.ts";

/** Refuses two folders of one machine that are the same, or of which one lies in the other. */
export async function refuseSameFolder(source: string, destination: string) {
  const [a, b] = [await stat(source), await stat(destination)];
  const same = a.dev === b.dev && a.ino === b.ino;
  if (!same && !isInside(source, destination) && !isInside(destination, source)) return;
  const how = same ? "are the same folder" : "lie within each other";
  throw new MigrationError(
    "E_SAME_SERVER",
    `Source "${source}" and destination "${destination}" ${how}`,
    { hint: "Name two different folders; nothing was written" },
  );
}

function isInside(inner: string, outer: string): boolean {
  return inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}
