import type { FileEntry } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { brokenPromises, type Owners, promised } from "../files/ownership.ts";

export interface Difference {
  path: Buffer;
  what: string;
  expected: string;
  found: string;
}

/** How the destination differs from what was promised; content is not read here. */
export function differences(entry: InventoryEntry, look: Look, owners: Owners): Difference[] {
  const { path } = entry;
  if (look.state !== "here") {
    const found = look.state === "absent" ? "nothing" : look.reason;
    return [{ path, what: "existence", expected: `type ${entry.type}`, found }];
  }
  const there = look.entry;
  if (there.type !== entry.type) {
    return [{ path, what: "type", expected: entry.type, found: there.type }];
  }
  const found = [...contentShape(entry, there)];
  if (entry.verdict === "identical" && !entry.ours) return found;
  const wanted = promised(entry, owners);
  for (const name of brokenPromises(wanted, there) as (keyof typeof wanted)[]) {
    const [expected, is] = [shown(name, wanted[name]), shown(name, there[name])];
    found.push({ path, what: name, expected, found: is });
  }
  return found;
}

function* contentShape(entry: FileEntry, there: FileEntry): Generator<Difference> {
  const { path } = entry;
  if (entry.type === "f" && entry.size !== there.size) {
    yield { path, what: "size", expected: String(entry.size), found: String(there.size) };
  }
  const [target, other] = [entry.target ?? empty, there.target ?? empty];
  if (entry.type === "l" && !target.equals(other)) {
    yield { path, what: "target", expected: target.toString(), found: other.toString() };
  }
}

const empty = Buffer.alloc(0);

function shown(name: string, value: number | bigint | undefined): string {
  return name === "mode" ? Number(value).toString(8).padStart(4, "0") : String(value);
}

/** The names that are not links to the same file as the first name. */
export function linkDifferences(names: InventoryEntry[], looks: Look[]): Difference[] {
  const found: Difference[] = [];
  const first = looks[0]?.state === "here" ? looks[0].entry : undefined;
  if (first === undefined) return found;
  for (const [at, entry] of names.entries()) {
    const look = looks[at];
    if (look?.state !== "here") continue;
    if (look.entry.dev === first.dev && look.entry.ino === first.ino) continue;
    const expected = `a hard link to "${names[0]?.path.toString()}"`;
    found.push({ path: entry.path, what: "hard link", expected, found: "a file of its own" });
  }
  return found;
}
