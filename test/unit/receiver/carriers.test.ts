import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex, PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BrokenStream } from "../../../src/files/broken-stream.ts";
import { readPowers } from "../../../src/files/ownership.ts";
import { type RsyncRun, runRsync } from "../../../src/files/rsync.ts";
import { rsyncFeatures } from "../../../src/files/rsync-features.ts";
import { greetAsCarrier, makeCarriers, readGreeting } from "../../../src/receiver/carriers.ts";
import type { AgentReceiver } from "../../../src/receiver/connect-receiver.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { connectTo, serveAgent } from "./receiver-rig.ts";

const { signal } = new AbortController();

/** A stream that gives these pieces one after the other, and ends. */
function streamOf(pieces: Iterable<Buffer>): Duplex {
  const stream = new PassThrough();
  void (async () => {
    for (const piece of pieces) {
      stream.write(piece);
      await sleep(1);
    }
    stream.end();
  })();
  return stream;
}

async function restOf(stream: Duplex): Promise<string> {
  let rest = "";
  for await (const piece of stream) rest += String(piece);
  return rest;
}

describe("what a connection begins with", () => {
  it("names the ticket, in whatever pieces it comes, and what follows stays", async () => {
    let sent = Buffer.alloc(0);
    const ticket = greetAsCarrier(
      new Duplex({
        read: () => undefined,
        write: (piece: Buffer, _, done) => {
          sent = Buffer.concat([sent, piece]);
          done();
        },
      }),
    );
    const all = Buffer.concat([sent, Buffer.from("bytes")]);
    for (const size of [1, 7, all.length]) {
      const pieces = Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
        all.subarray(at * size, (at + 1) * size),
      );
      const stream = streamOf(pieces);
      expect(await readGreeting(stream)).toEqual(ticket);
      expect(await restOf(stream)).toBe("bytes");
    }
  });

  it("is left as it is for a session, also where that is cut at once", async () => {
    for (const text of ["PRI * HTTP/2.0", "MIGMGR-CABLE and so on", "M!"]) {
      const stream = streamOf([Buffer.from(text)]);
      expect(await readGreeting(stream)).toBeUndefined();
      expect(await restOf(stream)).toBe(text);
    }
    expect(await readGreeting(streamOf([]))).toBeUndefined();
  });
});

describe("the carriers of an agent", () => {
  it("are waited for, and taken once", async () => {
    const carriers = makeCarriers();
    const [early, late] = [new PassThrough(), new PassThrough()];
    carriers.add(Buffer.from("early"), early);
    expect(await carriers.take(Buffer.from("early"), signal)).toBe(early);
    const coming = carriers.take(Buffer.from("late"), signal);
    carriers.add(Buffer.from("late"), late);
    expect(await coming).toBe(late);
    const again = carriers.take(Buffer.from("early"), AbortSignal.timeout(10));
    await expect(again).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
    expect([early, late].map(({ destroyed }) => destroyed)).toEqual([false, false]);
  });

  it("that nobody has taken end with the agent", () => {
    const carriers = makeCarriers();
    const left = new PassThrough();
    carriers.add(Buffer.from("left"), left);
    carriers.close();
    expect(left.destroyed).toBe(true);
  });
});

const large = 5_000_000;

async function runTo({ destination }: AgentReceiver): Promise<{ run: RsyncRun; root: string }> {
  const sourceDir = tempDir();
  writeFileSync(join(sourceDir, "large"), randomBytes(large));
  const list = join(tempDir(), "list");
  writeFileSync(list, "./large\0");
  await destination.makeTemporary(".t");
  const route = await destination.rsync(".t");
  const powers = readPowers();
  const features = await rsyncFeatures(signal);
  const owners = { ownership: "inherit" as const, ownershipMap: undefined };
  const run = { sourceDir, route, list, powers, features, signal, isMuch: true, ...owners };
  return { run, root: route.root };
}

describe("an rsync that sends much", () => {
  it("has a connection of its own, past the session", async () => {
    const { open, connections } = await serveAgent();
    const receiver = await connectTo(open, { openCarrier: () => open() as Promise<Duplex> });
    const { run, root } = await runTo(receiver);
    expect(await runRsync(run)).toEqual([]);
    expect(readFileSync(join(root, "large"))).toEqual(readFileSync(join(run.sourceDir, "large")));
    const [session, carrier] = connections;
    expect(carrier?.bytesWritten).toBeGreaterThan(large);
    expect(session?.bytesWritten).toBeLessThan(100_000);
    await expect.poll(() => carrier?.destroyed).toBe(true);
  });

  it("takes what is asked for all at once, for more files than a pipe holds questions", async () => {
    const { open } = await serveAgent();
    const receiver = await connectTo(open, { openCarrier: () => open() as Promise<Duplex> });
    const { run, root } = await runTo(receiver);
    const names = Array.from({ length: 20_000 }, (_, at) => `f${at}`);
    const content = randomBytes(6000);
    for (const name of names) writeFileSync(join(run.sourceDir, name), content);
    writeFileSync(run.list, names.map((name) => `./${name}\0`).join(""));
    expect(await runRsync(run)).toEqual([]);
    expect(readdirSync(root).filter((name) => name.startsWith("f"))).toHaveLength(names.length);
  }, 60_000);

  it("goes in the session where no other connection can be made", async () => {
    const { open, connections } = await serveAgent();
    const receiver = await connectTo(open, { openCarrier: async () => undefined });
    const { run, root } = await runTo(receiver);
    expect(await runRsync(run)).toEqual([]);
    expect(readFileSync(join(root, "large"))).toHaveLength(large);
    expect(connections).toHaveLength(1);
  });

  it("is told that its connection broke, and can be sent again", async () => {
    const { open, connections } = await serveAgent();
    const receiver = await connectTo(open, { openCarrier: () => open() as Promise<Duplex> });
    const { run, root } = await runTo(receiver);
    const broken = runRsync(run);
    const cut = setInterval(() => {
      if ((connections[1]?.bytesWritten ?? 0) > 0) connections[1]?.destroy();
    }, 1);
    await expect(broken).rejects.toBeInstanceOf(BrokenStream);
    clearInterval(cut);
    expect(await runRsync(run)).toEqual([]);
    expect(readFileSync(join(root, "large"))).toHaveLength(large);
  });
});
