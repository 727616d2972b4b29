import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MigrationError } from "../../src/core/errors.ts";
import type { FileDestination } from "../../src/files/destination.ts";
import { openLocalDestination } from "../../src/files/local-destination.ts";
import { powersOf } from "../../src/files/ownership.ts";
import { runRsync } from "../../src/files/rsync.ts";
import { rsyncFeatures } from "../../src/files/rsync-features.ts";
import { onceSent, streamedDestination } from "../support/streamed-destination.ts";
import { tempDir } from "../support/temp-dir.ts";
import { isRoot, makeRig, type Rig, rsyncDifferences } from "./files-rig.ts";
import { ownedTree } from "./files-steps.ts";
import { addAttributes, makeOddTree } from "./odd-tree.ts";

const large = 3_000_000;

/** Small and large files, links, and two files that stand in the way: one of them looks the same. */
function fill(rig: Rig) {
  const jane = join(rig.source, "jane");
  for (let folder = 0; folder < 10; folder++) {
    mkdirSync(join(jane, `d${folder}`), { recursive: true });
    for (let at = 0; at < 20; at++)
      writeFileSync(join(jane, `d${folder}/f${at}`), `${at}`.repeat(99));
    linkSync(join(jane, `d${folder}/f1`), join(jane, `linked${folder}`));
  }
  for (let at = 0; at < 4; at++)
    writeFileSync(join(jane, `large${at}`), Buffer.alloc(large, at + 1));
  mkdirSync(join(rig.destination, "jane"));
  for (const [side, text] of [
    [rig.source, "right"],
    [rig.destination, "wrong"],
  ] as const) {
    writeFileSync(join(side, "jane/same-look"), text);
    utimesSync(join(side, "jane/same-look"), 1000, 1000);
    writeFileSync(join(side, "jane/other"), text.repeat(side.length));
  }
}

/** But for the folders' own attributes: `jane` was the destination's before. */
function expectEqual(rig: Rig) {
  const jane = (side: string) => join(side, "jane");
  const lines = rsyncDifferences(jane(rig.source), jane(rig.destination)).split("\n");
  expect(lines.filter((line) => !/^(\.d..t\S* \.\/)?$/.test(line))).toEqual([]);
}

function everything(via: "rsync" | "tar") {
  const paths = [{ directory: Buffer.from("jane"), owned: true, via }];
  const selection = via === "tar" ? { kind: "paths" as const, paths } : ownedTree("jane");
  return { selection, onConflict: "overwrite" as const, verify: "full" as const };
}

describe.runIf(isRoot)("a destination that only streams lead to", () => {
  it.each(["rsync", "tar"] as const)("gets every kind of name and file, by %s", async (via) => {
    const rig = await makeRig();
    makeOddTree(join(rig.source));
    addAttributes(join(rig.source, "attributes"));
    const streams: string[] = [];
    const to = streamedDestination(rig.destination, ({ program }) => streams.push(program));
    const paths = readdirSync(rig.source).map((name) => ({
      ...{ directory: Buffer.from(name), owned: true, via },
    }));
    const { tarred } = await rig.migrate({
      ...{ to, verify: "full" },
      ...(via === "tar" ? { selection: { kind: "paths", paths } } : {}),
    });
    expect(tarred.verdicts).toMatchObject({ conflict: 0, rejected: 0, missing: 0 });
    const lines = rsyncDifferences(rig.source, rig.destination).split("\n");
    expect(lines.filter((line) => !/^(\.d..t\S* \.\/)?$/.test(line))).toEqual([]);
    expect(new Set(streams)).toEqual(new Set(via === "tar" ? ["rsync", "tar"] : ["rsync"]));
  });

  it("gets what looks the same and is not, and leaves no list behind", async () => {
    const rig = await makeRig();
    fill(rig);
    const to = streamedDestination(rig.destination);
    const { compared, synced } = await rig.migrate({ ...everything("rsync"), to });
    expect(compared.verdicts.conflict).toBe(2);
    expect(synced.verdicts).toMatchObject({ conflict: 2, rejected: 0 });
    expectEqual(rig);
    expect(readdirSync(rig.work).filter((name) => name.endsWith(".list"))).toEqual([]);
    expect(readdirSync(rig.destination)).toEqual(["jane"]);
  });

  it("keeps the attributes that its own side put there", async () => {
    const source = tempDir();
    const root = tempDir();
    for (const side of [source, root]) writeFileSync(join(side, "f"), "x");
    for (const side of [source, root]) utimesSync(join(side, "f"), 1000, 1000);
    try {
      execFileSync("setfattr", ["-n", "trusted.label", "-v", "theirs", join(root, "f")]);
    } catch (error) {
      process.stderr.write(`skipped: no such attribute can be set here: ${String(error)}\n`);
      return;
    }
    const { signal } = new AbortController();
    const list = join(tempDir(), "list");
    writeFileSync(list, "./f\0");
    const destination = streamedDestination(root);
    await destination.makeTemporary(".t");
    const complaints = await runRsync({
      ...{ sourceDir: source, list, signal, ownership: "preserve", powers: powersOf(false, 0n) },
      features: await rsyncFeatures(signal),
      route: await destination.rsync(".t"),
    });
    expect(complaints).toEqual([]);
    const label = execFileSync("getfattr", [
      "-n",
      "trusted.label",
      "--only-values",
      join(root, "f"),
    ]);
    expect(label.toString()).toBe("theirs");
  });
});

describe("a connection that breaks", () => {
  const ways = ["kill", "cut"] as const;
  const both = ["rsync", "tar"] as const;
  const cases = both.flatMap((via) => ways.map((way) => [via, way] as const));

  it.each(cases)("does not keep %s from ending equal, by %s", async (via, way) => {
    const rig = await makeRig();
    fill(rig);
    const disturbed: number[] = [];
    const to = streamedDestination(rig.destination, (stream) => {
      if (stream.program !== via || disturbed.length >= 3) return;
      disturbed.push(stream.at);
      onceSent(stream, large * disturbed.length, stream[way]);
    });
    const { synced, tarred, verified } = await rig.migrate({ ...everything(via), to });
    expect(disturbed).toHaveLength(3);
    const sent = via === "rsync" ? synced : tarred;
    expect(sent.verdicts).toMatchObject({ conflict: 2, rejected: 0, missing: 0 });
    expect(verified.changedSince).toBe(0);
    const copied = rig.progress.flatMap(({ phase, bytes }) =>
      phase === "copying" && bytes?.total ? [bytes.done] : [],
    );
    expect(copied).toEqual(copied.toSorted((one, other) => one - other));
    expectEqual(rig);
    expect(readdirSync(rig.destination)).toEqual(["jane"]);
  });

  it("does not make tar send again what had arrived", async () => {
    const rig = await makeRig();
    fill(rig);
    let received = 0;
    const to = streamedDestination(rig.destination, (stream) => {
      if (stream.program !== "tar") return;
      const before = received;
      const { stream: pipe } = stream.receiving;
      const write = pipe.write.bind(pipe) as (...args: unknown[]) => boolean;
      pipe.write = (piece: Buffer, ...rest: unknown[]) => {
        received += piece.length;
        return write(piece, ...rest);
      };
      if (before === 0) onceSent(stream, 3.5 * large, stream.cut);
    });
    const { tarred } = await rig.migrate({ ...everything("tar"), to });
    expect(tarred.verdicts).toMatchObject({ conflict: 2, rejected: 0 });
    expect(received).toBeLessThan(6 * large);
    expectEqual(rig);
  });

  it.each(["rsync", "tar"] as const)("ends the step by %s with its reason at last", async (via) => {
    const rig = await makeRig();
    fill(rig);
    let isBroken = true;
    const to = streamedDestination(rig.destination, ({ program, cut }) => {
      if (isBroken && program === via) cut();
    });
    const settings = { ...everything(via), to, retryBudget: 1 };
    const steps = rig.steps(settings);
    await steps.inventory();
    await steps.compare();
    const sending = steps.sync().then(() => steps.tar());
    await expect(sending).rejects.toMatchObject({
      ...{ code: "E_UNAVAILABLE", message: "The connection was reset by the test" },
    });
    isBroken = false;
    await steps.sync();
    await steps.tar();
    await steps.verify();
    expectEqual(rig);
  });

  it("is told with its own reason when it cannot be made", async () => {
    const rig = await makeRig();
    fill(rig);
    const refuse = (code: "E_AUTHENTICATION" | "E_UNAVAILABLE") => () => {
      throw new MigrationError(code, "The token has expired");
    };
    for (const code of ["E_AUTHENTICATION", "E_UNAVAILABLE"] as const) {
      const to = streamedDestination(rig.destination, refuse(code));
      const steps = rig.steps({ ...everything("rsync"), to, retryBudget: 1 });
      await steps.inventory();
      await steps.compare();
      await expect(steps.sync()).rejects.toMatchObject({ code, message: "The token has expired" });
    }
  });

  it("is not waited for when the run is to stop", async () => {
    const rig = await makeRig();
    fill(rig);
    const stop = new AbortController();
    let tries = 0;
    const to = streamedDestination(rig.destination, ({ cut }) => {
      cut();
      if (++tries === 2) stop.abort();
    });
    const steps = rig.steps({ ...everything("rsync"), to, retryBudget: 3_600_000 }, stop.signal);
    await steps.inventory();
    await steps.compare();
    await expect(steps.sync()).rejects.toMatchObject({ code: "E_INTERRUPTED" });
    expect(tries).toBe(2);
  });
});

it("ends the waiting for an answer when the run is to stop", async () => {
  const rig = await makeRig();
  fill(rig);
  const stop = new AbortController();
  let calls = 0;
  const local = openLocalDestination(rig.destination);
  const to: FileDestination = {
    ...local,
    look: () => {
      if (++calls === 3) stop.abort();
      return Promise.reject(away());
    },
  };
  const steps = rig.steps({ ...everything("rsync"), to, retryBudget: 3_600_000 }, stop.signal);
  await steps.inventory();
  await expect(steps.compare()).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  expect(calls).toBe(3);
});

/** Each call fails the first times, at any place, as over a network that comes and goes. */
function unsteady(destination: FileDestination, failures: number): FileDestination {
  let calls = 0;
  const wrapped = Object.entries(destination).map(([name, value]) => {
    if (typeof value !== "function" || name === "close") return [name, value];
    const call = async (...args: unknown[]) => {
      const result = await Reflect.apply(value, destination, args);
      // The work was done; only its answer is lost.
      if (calls++ % (failures + 1) < failures) throw away();
      return result;
    };
    return [name, call];
  });
  return Object.fromEntries(wrapped) as FileDestination;
}

function away() {
  return new MigrationError("E_UNAVAILABLE", "The answer was lost");
}

it.each(["rsync", "tar"] as const)(
  "ends equal by %s where every other answer is lost",
  async (via) => {
    const rig = await makeRig();
    fill(rig);
    const to = unsteady(openLocalDestination(rig.destination), 1);
    const { compared, verified, tarred } = await rig.migrate({ ...everything(via), to });
    expect(compared.verdicts.conflict).toBe(2);
    expect(tarred.verdicts).toMatchObject({ conflict: 2, rejected: 0, missing: 0 });
    expect(verified.hashed).toBeGreaterThan(200);
    expectEqual(rig);
    const verifying = rig.progress.filter(({ phase }) => phase === "verifying files");
    expect(verifying.filter(({ files }) => files === undefined)).toEqual([]);
    const last = verifying.at(-1);
    expect(last?.bytes?.done).toBe(last?.bytes?.total);
    expect(statSync(join(rig.destination, "jane/large1")).size).toBe(large);
  },
);

it("tells what compares and verifies that the destination is away, not that a file is bad", async () => {
  const rig = await makeRig();
  fill(rig);
  const local = openLocalDestination(rig.destination);
  const gone = () => Promise.reject(away());
  const noHash: FileDestination = { ...local, hash: gone, hashAll: gone };
  const blind = rig.steps({ ...everything("rsync"), to: noHash, retryBudget: 1 });
  await blind.inventory();
  await expect(blind.compare()).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  const steps = rig.steps(everything("rsync"));
  await steps.compare();
  await steps.sync();
  await expect(blind.verify()).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  expect((await steps.verify()).changedSince).toBe(0);
});
