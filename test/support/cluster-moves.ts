import { expect } from "vitest";
import type { FileFact } from "../fixtures/server/file-facts.ts";
import type { Hashes, ScopeOracle } from "../fixtures/server/oracle.ts";
import type { ClusterBed } from "./cluster-bed.ts";
import { objectsOf } from "./cluster-facts.ts";
import { expectedHashes, type Ran } from "./migration.ts";
import { readHashes } from "./read-documents.ts";
import { readTree } from "./read-tree.ts";

interface Step {
  kind: string;
  state: string;
  attempts: number;
  progress?: { documents?: { done: number } };
  output?: { bytesSent?: number };
}

/** What the range of users and groups of a restricted destination begins with. */
export const namespaceUser = 1_000_660_000;

interface MoveStatus {
  state: string;
  /** Which run it is of: 1, and one more for each that began anew. */
  generation: number;
  steps: Step[];
}

/** What is asked of a bed in every test of a migration between clusters. */
export interface Moves {
  /** Runs migctl and fails with what it said if its exit code is another one. */
  run(code: number, ...args: string[]): Promise<Ran>;
  /** The status of a migration; undefined where it has none yet. */
  statusOf(name: string): Promise<MoveStatus | undefined>;
  /** The objects of both namespaces. */
  objects(): Promise<{ from: string[]; to: string[] }>;
  documents(): Promise<Hashes>;
  /** What migctl printed in all its runs. */
  printed(): string;
}

export function movesOf(bed: ClusterBed): Moves {
  const { cluster, source, destination } = bed;
  let printed = "";
  async function migctl(args: readonly string[]) {
    const ran = await bed.migctl(...args);
    printed += ran.stdout + ran.stderr;
    return ran;
  }
  return {
    async run(code, ...args) {
      const ran = await migctl(args);
      expect(ran, `${args.join(" ")}\n${ran.stderr}\n${ran.stdout}`).toMatchObject({ code });
      return ran;
    },
    async statusOf(name) {
      const ran = await migctl(["status", "--name", name, "-o", "json"]);
      if (ran.code !== 0) return undefined;
      const { state, generation } = JSON.parse(ran.stdout);
      return { state, generation, steps: stepsOf(ran) };
    },
    objects: async () => ({
      from: await objectsOf(cluster, source.namespace),
      to: await objectsOf(cluster, destination.namespace),
    }),
    documents: () => readHashes(destination.uri, destination.release.database),
    printed: () => printed,
  };
}

/** The steps of a status or of a report that was printed as JSON. */
export function stepsOf({ stdout }: Ran): Step[] {
  return JSON.parse(stdout).items.flatMap(({ steps }: { steps: Step[] }) => steps);
}

export function nameOf({ stdout }: Ran): string {
  return JSON.parse(stdout).name;
}

/** What several scopes bring together. */
export function unionOf(...scopes: ScopeOracle[]): { documents: Hashes; files: Files } {
  const documents: Hashes = {};
  const files: Files = {};
  for (const scope of scopes) {
    for (const [collection, hashes] of Object.entries(expectedHashes(scope))) {
      documents[collection] = { ...documents[collection], ...hashes };
    }
    Object.assign(files, scope.files);
  }
  return { documents, files };
}

type Files = Record<string, FileFact>;

/** The product's own, which no migration touches. */
const own = /^(logs|\._init)(\/|$)/;

/**
 * Expects what the ownership mode "inherit" promises: all is the namespace's user's and its group's,
 * who may both read and write it; folders hand the group on, no file runs as somebody else, and the
 * names of one file are names of one file.
 */
export async function expectInherited(root: string, files: Files, id: number) {
  const found = await readTree(root);
  for (const [path, { type, mode, nlink }] of Object.entries(files)) {
    const open = type === "dir" ? 0o2770 : 0o660;
    const whose = { uid: id, gid: id, nlink };
    const wanted = type === "symlink" ? whose : { ...whose, mode: (mode & 0o1777) | open };
    const { uid, gid, nlink: names, mode: bits } = found[path] ?? {};
    const seen = { uid, gid, nlink: names, ...(type === "symlink" ? {} : { mode: bits }) };
    expect.soft(seen, path).toEqual(wanted);
  }
}

/**
 * Expects every file with content, times and links, and no other one. Owner, group and mode are the
 * destination's own where owners are inherited.
 */
export async function expectFiles(root: string, files: Files) {
  const found = await readTree(root);
  for (const [path, fact] of Object.entries(files)) {
    const { uid: _, gid: __, mode: ___, nlink: ____, ...content } = fact;
    if (fact.type === "dir") expect.soft(found[path]?.type, path).toBe("dir");
    else expect.soft(found[path], path).toMatchObject(content);
  }
  const foreign = Object.entries(found).filter(
    ([path, { type }]) => !(path in files) && type !== "dir" && !own.test(path),
  );
  expect(foreign.map(([path]) => path)).toEqual([]);
}
