import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cost, measured } from "../common/measure.ts";
import type { Bed } from "./bed.ts";
import { sizeOf } from "./check.ts";

type Compression = "store" | "deflate";

/** Our programs as they are delivered, by hand or as a whole migration. */
export interface Ours {
  archiveOf(compression: Compression): string;
  backup(compression: Compression): Promise<Cost>;
  /** Makes that backup where it is not there yet. */
  ensure(compression: Compression): Promise<void>;
  /** Into what is there, with a report folder of its own. */
  restore(compression: Compression): Promise<Cost & { reports: string }>;
  verify(compression: Compression): Promise<Cost>;
  /** Backup, restore and verification in one, each collection restored as soon as it is backed up. */
  migrate(): Promise<Cost>;
  /** A second stage of the same. */
  migrateAgain(): Promise<Cost>;
  hasMigrated(): boolean;
  forgetMigrations(): void;
}

export function makeOurs(bed: Bed): Ours {
  const { folder, database, source, destination } = bed;
  const work = join(folder, "work");
  const application = writeApplication(folder, database);
  const from = ["--uri-file", source.uriFile, "--database", database];
  const into = ["--uri-file", destination.uriFile, "--database", database];
  const archiveOf = (compression: Compression) => join(folder, `${compression}.zip`);
  let reports = 0;
  async function backup(compression: Compression): Promise<Cost> {
    const archive = archiveOf(compression);
    rmSync(archive, { force: true });
    const to = ["--archive", archive, "--compression", compression];
    const cost = await migmgr(bed, ["backup", ...from, ...to]);
    return { ...cost, bytes: sizeOf(archive) };
  }
  function start(...flags: string[]): Promise<Cost> {
    const sides = [
      ...["--source-dir", source.dataDir, "--source-uri-file", source.uriFile],
      ...["--dest-dir", destination.dataDir, "--dest-uri-file", destination.uriFile],
      ...["--work-dir", work, "--application", application],
    ];
    const how = ["--migrationType", "db", "--force-db", "--overlap", "--progress", "none"];
    const args = [bed.programs.migctl, "start", ...sides, ...how, ...flags];
    return measured({ name: "migctl start", file: process.execPath, args });
  }
  return {
    archiveOf,
    backup,
    async ensure(compression) {
      if (!existsSync(archiveOf(compression))) await backup(compression);
    },
    async restore(compression) {
      reports += 1;
      const out = join(folder, `reports-${reports}`);
      const flags = ["--archive", archiveOf(compression), "--report-dir", out];
      return { ...(await migmgr(bed, ["restore", ...into, ...flags])), reports: out };
    },
    verify: (compression) => migmgr(bed, ["verify", ...into, "--archive", archiveOf(compression)]),
    migrate: () => start(),
    migrateAgain: () => start("--rerun"),
    hasMigrated: () => existsSync(work),
    forgetMigrations: () => rmSync(work, { recursive: true, force: true }),
  };
}

/** Conflicts, with which a restore ends with 3, are checked by who expects them. */
function migmgr({ programs }: Bed, words: string[]): Promise<Cost> {
  return measured({
    name: `migmgr db ${words[0]}`,
    file: programs.migmgr,
    args: ["db", ...words, "-o", "json"],
    codes: [0, 3],
  });
}

/** An application without files: what is measured is the database alone. */
function writeApplication(folder: string, database: string): string {
  const file = join(folder, "application.yaml");
  const lines = ["application: bench", `database: ${database}`, "mount: /data", "collections: {}"];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}
