import { rm } from "node:fs/promises";
import { join } from "node:path";
import { provideMongoTools } from "../../test/support/mongo-tools.ts";
import type { BenchBed } from "../cluster/bed.ts";
import { watchPods } from "../cluster/watch-pods.ts";
import { type Cost, measured } from "../common/measure.ts";
import { forget } from "../files/ours.ts";
import { openPeers } from "../files/peers.ts";
import { clearFiles, folder } from "../files/sides.ts";
import { clearDocuments } from "./documents.ts";

/** One command, from its start to its end: pods are made, all is verified, pods are removed. */
export async function moveServer(bed: BenchBed): Promise<Cost> {
  const watch = watchPods();
  const begin = Date.now();
  const ran = await bed.migctl("start", "--migrationType", "full", "--name", "bench", "--wait");
  watch.stop();
  if (ran.code !== 0) throw new Error(`migctl ended with ${ran.code}:\n${ran.stderr}`);
  const end = Date.now();
  return {
    wallMs: end - begin,
    cpuMs: watch.cpuMs(begin, end),
    peakRssBytes: watch.peakRssBytes(),
  };
}

/** What a script does instead; nothing of it is checked. */
export async function makeScript(bed: BenchBed): Promise<() => Promise<Cost>> {
  const tools = await provideMongoTools();
  if ("missing" in tools) throw new Error(tools.missing);
  const { rsyncSsh } = await openPeers(bed);
  const { source, destination } = bed;
  const dump = join(bed.folder, "dump");
  const from = ["--uri", source.adminUri, "--db", source.release.database, "--out", dump];
  const workers = "--numInsertionWorkersPerCollection=4";
  const into = ["--uri", destination.adminUri, workers];
  const rename = [`--nsFrom=${source.release.database}.*`];
  rename.push(`--nsTo=${destination.release.database}.*`);
  const gzip = ["--quiet", "--gzip"];
  const commands = [
    { name: "mongodump", file: tools.mongodump, args: [...gzip, ...from] },
    { name: "mongorestore", file: tools.mongorestore, args: [...gzip, ...into, ...rename, dump] },
  ];
  return async () => {
    await rm(dump, { recursive: true, force: true });
    let all = await rsyncSsh(folder);
    for (const command of commands) all = sumOf(all, await measured(command));
    return all;
  };
}

function sumOf(one: Cost, other: Cost): Cost {
  return {
    wallMs: one.wallMs + other.wallMs,
    cpuMs: one.cpuMs + other.cpuMs,
    peakRssBytes: Math.max(one.peakRssBytes, other.peakRssBytes),
  };
}

export async function clearServer(bed: BenchBed) {
  await forget(bed);
  await clearFiles(bed);
  await clearDocuments(bed);
}
