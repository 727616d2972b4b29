import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { FileLedger, FileRecord, KnownFile } from "../../../src/core/ledger.ts";
import { openLocalDestination } from "../../../src/files/local-destination.ts";
import { type FileTree, openLocalTree } from "../../../src/files/local-tree.ts";
import type { Scope } from "../../../src/plan/scope.ts";
import { type FileSides, vanishedFiles } from "../../../src/workers/vanished-files.ts";
import { tempDir } from "../../support/temp-dir.ts";

const jane: Scope = { kind: "user", value: "jane" };

interface Case {
  /** What of the record is other than of a file that we wrote for jane. */
  origin?: Partial<KnownFile["origin"]>;
  record?: Partial<FileRecord>;
  otherVolume?: boolean;
  /** What is at the source, where anything is. */
  source?: string;
  /** Folders of the source that are another volume's. */
  mounted?: string;
  /** The source's folder for it is a file. */
  inTheWay?: boolean;
  scope?: Scope;
}

/** Why `folder/file` is kept; "removed", or "no" where it does not count as vanished. */
async function fateOf(given: Case): Promise<string> {
  const [from, to] = [tempDir(), tempDir()];
  writeFileSync(join(from, "other"), "");
  for (const root of [from, to]) mkdirSync(join(root, "folder"));
  if (given.inTheWay) {
    rmSync(join(from, "folder"), { recursive: true });
    writeFileSync(join(from, "folder"), "");
  }
  writeFileSync(join(to, "folder/file"), "content");
  if (given.source !== undefined) writeFileSync(join(from, "folder/file"), given.source);
  const destination = openLocalDestination(to);
  const path = Buffer.from("folder/file");
  const [look] = await destination.look([path]);
  if (look?.state !== "here") throw new Error("It is not there");
  const { type, size, mtimeNs, mode, uid, gid, ctimeNs } = look.entry;
  const record: FileRecord = {
    ...{ type, size, mtimeNs, mode, uid, gid, sourceCtimeNs: 1n, destinationCtimeNs: ctimeNs },
    ...{ ours: true, run: "r1", state: "written", ...given.record },
  };
  const origin = { run: "r1", scope: "user:jane", overwrote: false, ...given.origin };
  const known: KnownFile = { path, record, origin, otherVolume: given.otherVolume ?? false };
  const source = asMounted(openLocalTree(from), given.mounted);
  const sides = {
    ...{ sourceDir: from, workDir: `${from}/logs`, source, destination },
    inventory: { get: () => undefined } as unknown as FileSides["inventory"],
    ledger: { pages: () => [[known]].values() } as unknown as FileLedger,
    ...{ scope: given.scope ?? jane, signal: new AbortController().signal },
  };
  const { value: first } = await vanishedFiles(sides).next();
  source.close();
  return first === undefined ? "no" : (first.kept ?? "removed");
}

function asMounted(tree: FileTree, mounted: string | undefined): FileTree {
  return {
    ...tree,
    look: async (paths) => {
      const looks = await tree.look(paths);
      return looks.map((look, at) =>
        look.state === "here" && paths[at]?.toString() === mounted
          ? { ...look, entry: { ...look.entry, dev: look.entry.dev + 1n } }
          : look,
      );
    },
  };
}

const cases: [string, Case, string][] = [
  ["is removed as it was written", {}, "removed"],
  ["has not vanished where the source has it", { source: "new" }, "no"],
  ["is not ours where it was there before", { record: { ours: false } }, "no"],
  ["is left to the run that is copying it", { record: { state: "intended" } }, "no"],
  ["is another scope's", { origin: { scope: "user:bob" } }, "no"],
  [
    "is any scope's for the whole server",
    { origin: { scope: "user:bob" }, scope: { kind: "server" } },
    "removed",
  ],
  ["was changed", { record: { destinationCtimeNs: 1n } }, "it was changed since it was written"],
  ["has another size", { record: { size: 1 } }, "it was changed since it was written"],
  ["has become another type", { record: { type: "l" } }, "another type is there (f)"],
  [
    "went with its volume",
    { otherVolume: true },
    "the volume that it was copied from is not mounted at the source",
  ],
  [
    "is hidden by a volume",
    { mounted: "folder" },
    "another volume is mounted above it at the source now",
  ],
  ["vanished on its own volume", { otherVolume: true, mounted: "folder" }, "removed"],
  [
    "cannot be looked for",
    { inTheWay: true },
    'the source cannot be asked: "folder" above it is not a folder',
  ],
];

it.each(cases)("decides of a file that it %s", async (_name, given, expected) => {
  expect(await fateOf(given)).toBe(expected);
});

it("decides nothing for a scope that the ledger does not know", async () => {
  const known = { origin: { scope: undefined } } as unknown as Case;
  expect(await fateOf(known)).toBe("an older version wrote it, for a scope that is not known");
  expect(await fateOf({ ...known, scope: { kind: "server" } })).toBe("removed");
});
