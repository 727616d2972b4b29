import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { makeProfile } from "../../src/core/profile.ts";
import type { FileDestination, RsyncRoute } from "../../src/files/destination.ts";
import { openLocalDestination } from "../../src/files/local-destination.ts";
import { powersOf } from "../../src/files/ownership.ts";
import { runRsync } from "../../src/files/rsync.ts";
import { run } from "../support/migration.ts";
import { tempDir } from "../support/temp-dir.ts";
import { limited, rsyncDifferences } from "./files-rig.ts";
import { attachTo, startReceive } from "./receiver-rig.ts";

const megabyte = 1_000_000;

function makeSource(): { source: string; list: string } {
  const source = tempDir();
  const names = ["a", "b", "c"];
  for (const name of names) writeFileSync(join(source, name), randomBytes(10 * megabyte));
  const list = join(tempDir(), "list");
  writeFileSync(list, names.map((name) => `./${name}\0`).join(""));
  return { source, list };
}

/** Sends 30 MB under a limit that would take a minute, and lifts it once some of it is there. */
async function sendWithChange(destination: FileDestination) {
  const from = makeSource();
  const { signal } = new AbortController();
  const bandwidth = limited(500);
  const profile = makeProfile(systemClock.elapsed);
  const seen = { atChange: 0, changedAt: 0 };
  await destination.makeTemporary(".t");
  const route: RsyncRoute = await destination.rsync(".t");
  const complaints = await runRsync({
    ...{ sourceDir: from.source, list: from.list, ownership: "preserve", signal, route },
    powers: powersOf(false, 0n),
    features: await destination.rsyncFeatures(signal),
    pacing: { bandwidth, profile },
    onProgress({ bytes }) {
      if (seen.changedAt > 0 || bytes < megabyte / 2) return;
      seen.changedAt = systemClock.elapsed();
      seen.atChange = bytes;
      bandwidth.set(undefined);
    },
  });
  await destination.removeTemporary(".t");
  expect(complaints).toEqual([]);
  // rsync is ahead by what lies in the pipes, and no more.
  expect(seen.atChange).toBeGreaterThan(0);
  expect(seen.atChange).toBeLessThan(6 * megabyte);
  expect(systemClock.elapsed() - seen.changedAt).toBeLessThan(20_000);
  return { source: from.source, ...profile.result() };
}

it("sends faster from the moment on at which a limit is lifted, to a receiver", async () => {
  const root = tempDir();
  const { socket } = await startReceive(root);
  const { receiver } = await attachTo(socket);
  const { source, waits, depths } = await sendWithChange(receiver.destination);
  expect(waits.bandwidthLimit).toBeGreaterThan(200);
  expect(waits.program).toBeGreaterThan(0);
  expect(depths.bytesInLink?.most).toBeGreaterThan(30_000);
  expect(rsyncDifferences(source, root, "--omit-dir-times")).toBe("");
});

it("goes on faster with what is left of a file, into a folder of this machine", async () => {
  const root = tempDir();
  const { source } = await sendWithChange(openLocalDestination(root));
  expect(rsyncDifferences(source, root, "--omit-dir-times")).toBe("");
});

it("is told of a migration that runs, and shown by its status", async () => {
  const [source, destination] = [tempDir(), tempDir()];
  mkdirSync(join(source, "jane"));
  writeFileSync(join(source, "jane/large"), randomBytes(20 * megabyte));
  const place = ["--source-dir", source];
  const started = run(
    "migctl",
    ...["start", "--migrationType", "files", ...place, "--dest-dir", destination],
    ...["--name", "slow", "--bwlimit", "100K", "--verify", "none"],
  );
  const status = async () => (await run("migctl", "status", ...place)).stdout;
  await expect.poll(status, { timeout: 30_000 }).toContain("sends at most 100 KiB/s of files");
  const refused = await run("migctl", "bwlimit", "fast", ...place);
  expect(refused).toMatchObject({ code: 2 });
  const slower = await run("migctl", "bwlimit", "200", ...place, "-o", "json");
  expect(JSON.parse(slower.stdout)).toEqual({ kibPerSecond: 200 });
  const lifted = await run("migctl", "bwlimit", "0", ...place, "--name", "slow");
  expect(lifted.stdout).toBe("Limit: no limit; see migctl status\n");
  expect(await started).toMatchObject({ code: 0 });
  const folder = join(source, "logs/migrations/slow");
  const { bandwidthLimit } = JSON.parse(readFileSync(join(folder, "status.json"), "utf8"));
  expect(bandwidthLimit).toBeUndefined();
  expect(rsyncDifferences(join(source, "jane"), join(destination, "jane"))).toBe("");
});
