import { execFileSync } from "node:child_process";
import { mapId, type OwnershipMap } from "../../src/files/ownership-map.ts";

type Acls = Record<string, string[]>;

/** The ACLs below a folder as getfacl reads them, by path; files without one are left out. */
export function readAcls(root: string): Acls {
  const text = execFileSync("getfacl", ["-RPpns", "."], { cwd: root }).toString();
  const acls: Acls = {};
  for (const block of text.split("\n\n")) {
    const [first = "", ...lines] = block.split("\n");
    const entries = lines.filter((line) => line !== "" && !line.startsWith("# "));
    if (entries.length > 0) acls[first.replace("# file: ", "")] = entries.sort();
  }
  return acls;
}

/** The same ACLs with the ids that a table makes of theirs. */
export function mapAcls(acls: Acls, { users, groups }: OwnershipMap): Acls {
  const mapped = Object.entries(acls).map(([path, entries]) => {
    const lines = entries.map((line) =>
      line.replace(/\b(user|group):(\d+):/, (_, what: string, id: string) => {
        const table = what === "user" ? users : groups;
        return `${what}:${mapId(Number(id), table)}:`;
      }),
    );
    return [path, lines.sort()];
  });
  return Object.fromEntries(mapped);
}
