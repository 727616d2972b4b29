import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, linkSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { tempDir } from "../support/temp-dir.ts";
import { rsyncDifferences } from "./files-rig.ts";

const program = join(import.meta.dirname, "programs", "files-run.ts");

/** A source with small and large files and links, and a destination with files in the way. */
function makeBoth(base: string) {
  for (const name of ["source/jane/large", "destination/jane", "work"]) {
    mkdirSync(join(base, name), { recursive: true });
  }
  const jane = join(base, "source/jane");
  for (let folder = 0; folder < 20; folder++) {
    mkdirSync(join(jane, `d${folder}`));
    for (let at = 0; at < 40; at++) {
      writeFileSync(join(jane, `d${folder}/f${at}`), `${folder}/${at}`.repeat(at * 10));
    }
    linkSync(join(jane, `d${folder}/f1`), join(jane, `linked${folder}`));
  }
  for (let at = 0; at < 4; at++) writeFileSync(join(jane, `large/${at}`), Buffer.alloc(3e7, at));
  writeFileSync(join(jane, "same-look"), "right");
  writeFileSync(join(base, "destination/jane/same-look"), "wrong");
  writeFileSync(join(jane, "other"), "ours");
  writeFileSync(join(base, "destination/jane/other"), "theirs, and longer");
  for (const side of ["source", "destination"]) {
    utimesSync(join(base, side, "jane/same-look"), 1000, 1000);
  }
}

/** Starts the program and kills it after a while; true when it had ended by itself. */
async function runFor(base: string, via: string, milliseconds?: number): Promise<boolean> {
  const child = spawn(process.execPath, [program, base, via], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  await once(child.stdout, "data");
  child.stdout.resume();
  if (milliseconds !== undefined) {
    await Promise.race([sleep(milliseconds), ended]);
    child.kill("SIGKILL");
  }
  const [code] = await ended;
  return code === 0;
}

function resultOf(base: string) {
  const read = (name: string) =>
    JSON.parse(readFileSync(join(base, "work", `${name}.done.tmp`), "utf8"));
  const names = execFileSync("find", [join(base, "destination"), "-printf", "%P\n"]).toString();
  return {
    verdicts: read("tar").verdicts,
    verify: read("verify"),
    names: names.split("\n").sort(),
  };
}

it.each(["rsync", "tar"])(
  "ends the same by %s, killed again and again at any moment",
  async (via) => {
    const calm = tempDir();
    makeBoth(calm);
    const start = performance.now();
    expect(await runFor(calm, via)).toBe(true);
    const whole = performance.now() - start;
    const expected = resultOf(calm);
    expect(expected.verdicts).toMatchObject({ conflict: 2, rejected: 0, missing: 0, updated: 0 });

    let kills = 0;
    for (let round = 0; round < 4; round++) {
      const base = tempDir();
      makeBoth(base);
      for (let part = 1 + round * 0.3; part < 40; part += 1) {
        if (await runFor(base, via, (whole * part) / 25)) break;
        kills++;
      }
      if (!existsSync(join(base, "work/verify.done"))) expect(await runFor(base, via)).toBe(true);
      const result = resultOf(base);
      expect(result.verdicts).toEqual(expected.verdicts);
      expect(result.names).toEqual(expected.names);
      const jane = (side: string) => join(base, side, "jane");
      const differences = rsyncDifferences(jane("source"), jane("destination")).split("\n");
      expect(differences.filter((line) => !/^(\.d..t\S* \.\/)?$/.test(line))).toEqual([]);
    }
    expect(kills).toBeGreaterThan(8);
  },
  300_000,
);
