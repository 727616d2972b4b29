import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openLocalDestination } from "../../src/files/local-destination.ts";
import { streamedDestination } from "../support/streamed-destination.ts";
import { tempDir } from "../support/temp-dir.ts";
import { limited, makeRig, mountSmall, rsyncDifferences } from "./files-rig.ts";
import { ownedTree } from "./files-steps.ts";

const ways = { folder: openLocalDestination, stream: streamedDestination };

it.each([
  ["rsync", "folder"],
  ["rsync", "stream"],
  ["tar", "folder"],
  ["tar", "stream"],
] as const)(
  "says how much is needed on a full volume and goes on when it has grown, by %s to a %s",
  async (via, way) => {
    const rig = await makeRig();
    if (!mountSmall(rig.destination, "6m")) return;
    mkdirSync(join(rig.source, "jane"));
    for (let at = 0; at < 10; at++) {
      writeFileSync(join(rig.source, "jane", `f${at}`), Buffer.alloc(1_000_000, at + 1));
    }
    const paths = [{ directory: Buffer.from("jane"), owned: true, via }];
    const to = ways[way](rig.destination);
    const steps = rig.steps({ selection: { kind: "paths", paths }, to });
    await steps.inventory();
    await steps.compare();
    const sending = steps.sync().then(() => steps.tar());
    const error = await sending.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "E_NO_SPACE", exitCode: 5 });
    const { fields } = error as { fields: { neededBytes: number; freeBytes: number } };
    expect(fields.neededBytes).toBeGreaterThan(fields.freeBytes);
    expect(readdirSync(rig.destination)).toEqual(["jane"]);
    for (const name of readdirSync(join(rig.destination, "jane"))) {
      const [there, here] = [rig.destination, rig.source].map((root) => join(root, "jane", name));
      execFileSync("cmp", [there!, here!]);
    }
    execFileSync("mount", ["-o", "remount,size=40m", rig.destination]);
    await steps.sync();
    const { verdicts } = await steps.tar();
    expect(verdicts).toMatchObject({ migrated: 11, rejected: 0, missing: 0 });
    expect((await steps.verify()).hashed).toBe(10);
  },
);

it.each(["rsync", "tar"] as const)(
  "stops at once when it is told to, and then goes on, by %s",
  async (via) => {
    const rig = await makeRig();
    mkdirSync(join(rig.source, "jane"));
    writeFileSync(join(rig.source, "jane/large"), Buffer.alloc(300_000_000, 1));
    const paths = [{ directory: Buffer.from("jane"), owned: true, via }];
    const settings = { selection: { kind: "paths" as const, paths }, bandwidth: limited(20_000) };
    const controller = new AbortController();
    const steps = rig.steps(settings, controller.signal);
    await steps.inventory();
    await steps.compare();
    const sending = steps.sync().then(() => steps.tar());
    const isUnderWay = () =>
      rig.progress.some(({ phase, bytes }) => phase === "copying" && bytes!.done > 0);
    const stopped = expect.poll(isUnderWay, { interval: 5, timeout: 60_000 }).toBe(true);
    const stop = stopped.then(() => controller.abort());
    await expect(sending).rejects.toMatchObject({ code: "E_INTERRUPTED" });
    await stop;
    expect(existsSync(join(rig.destination, "jane/large"))).toBe(false);
    const again = rig.steps({ selection: settings.selection });
    await again.sync();
    await again.tar();
    expect(rsyncDifferences(join(rig.source, "jane"), join(rig.destination, "jane"))).toBe("");
    expect(readdirSync(rig.destination)).toEqual(["jane"]);
  },
);

it("reports bytes and files that only grow and never pass the total", async () => {
  const rig = await makeRig();
  mkdirSync(join(rig.source, "jane"));
  for (let at = 0; at < 30; at++) {
    writeFileSync(join(rig.source, "jane", `f${at}`), Buffer.alloc(2_000_000, at));
  }
  await rig.migrate({ selection: ownedTree("jane") });
  const copying = rig.progress.filter(({ phase }) => phase === "copying");
  expect(copying.at(-1)?.bytes).toEqual({ done: 60_000_000, total: 60_000_000 });
  let last = 0;
  for (const { bytes } of copying) {
    expect(bytes!.done).toBeGreaterThanOrEqual(last);
    expect(bytes!.done).toBeLessThanOrEqual(bytes!.total!);
    last = bytes!.done;
  }
});

// V8's nursery is kept small, as in the pod: what it holds is garbage, and it grows with the load.
it("keeps 100,000 files below 256 MiB of memory", () => {
  const base = tempDir();
  for (const name of ["source/jane", "destination", "work"]) {
    mkdirSync(join(base, name), { recursive: true });
  }
  const make = `for (let at = 0; at < 100000; at++) fs.writeFileSync("f" + at, "content " + at);`;
  execFileSync(process.execPath, ["-e", make], { cwd: join(base, "source/jane") });
  const program = join(import.meta.dirname, "programs", "files-run.ts");
  const script = `process.on("exit", () => process.stderr.write("\\nrss " + process.resourceUsage().maxRSS + "\\n"));`;
  const hook = join(base, "hook.mjs");
  writeFileSync(hook, script);
  const output = execFileSync(
    "sh",
    [
      "-c",
      'exec "$1" --max-semi-space-size=4 --import "$2" "$3" "$4" 2>&1',
      "sh",
      process.execPath,
      hook,
      program,
      base,
    ],
    { encoding: "utf8" },
  );
  const kibibytes = Number(/rss (\d+)/.exec(output)?.[1]);
  process.stderr.write(`100,000 files: at most ${Math.round(kibibytes / 1024)} MiB\n`);
  expect(kibibytes).toBeGreaterThan(0);
  expect(kibibytes).toBeLessThan(256 * 1024);
  expect(readdirSync(join(base, "destination/jane"))).toHaveLength(100_000);
}, 300_000);
