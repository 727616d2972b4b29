import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import type { FileDestination } from "../../src/files/destination.ts";
import { powersOf } from "../../src/files/ownership.ts";
import { runRsync } from "../../src/files/rsync.ts";
import { connectReceiver } from "../../src/receiver/connect-receiver.ts";
import { tempDir } from "../support/temp-dir.ts";
import { rsyncDifferences } from "./files-rig.ts";
import { attachTo, childrenOf, peakMemory, startManager, startReceive } from "./receiver-rig.ts";

const { signal } = new AbortController();

describe("migmgr receive", () => {
  it("serves at a socket of its own user alone, and ends cleanly when it is told to", async () => {
    const root = tempDir();
    const { child, socket, log } = await startReceive(root);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    const { receiver } = await attachTo(socket);
    expect(await receiver.info()).toMatchObject({ root });

    await receiver.destination.makeTemporary(".t");
    const unpacking = await receiver.destination.unpack(".t", { ownership: "inherit", signal });
    unpacking.stream.resume();
    const programs = childrenOf(child);
    expect(programs).toHaveLength(1);
    child.kill("SIGTERM");
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    await expect(unpacking.ended).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
    for (const pid of programs) expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(existsSync(socket)).toBe(false);
    expect(log().map(({ msg }) => msg)).toEqual([
      ...["Receiver ready", "Session opened", "Session ended", "Receiver ended"],
    ]);
  });

  it("ends by itself when nobody was connected for long enough", async () => {
    const { child, socket, log } = await startReceive(tempDir(), "--idle-timeout", "5s");
    const options = { label: "receiver", log: pino({ level: "silent" }) };
    const receiver = await connectReceiver(async () => connect(socket), options);
    await receiver.info();
    await receiver.close();
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(log().at(-1)).toMatchObject({ msg: "Receiver ended", reason: "idle" });
  });
});

describe("migmgr attach", () => {
  async function serve(onConnection: (socket: Socket) => void): Promise<string> {
    const path = join(tempDir(), "s");
    const server = createServer({ allowHalfOpen: true }, onConnection).listen(path);
    await once(server, "listening");
    onTestFinished(() => void server.close());
    return path;
  }

  it("carries each byte, and an end of its input only in its own direction", async () => {
    const path = await serve((socket) => {
      void buffer(socket).then((bytes) => socket.end(bytes.reverse()));
    });
    const attached = startManager("attach", "--socket", path);
    const sent = randomBytes(30_000_001);
    attached.stdin?.end(sent);
    const received = await buffer(attached.stdout!);
    expect(received.equals(Buffer.from(sent).reverse())).toBe(true);
    const [code] = attached.exitCode === null ? await once(attached, "close") : [attached.exitCode];
    expect(code).toBe(0);
  });

  it("ends when the socket ends, although its input stays open", async () => {
    const path = await serve((socket) => void socket.end("bye"));
    const attached = startManager("attach", "--socket", path);
    const closed = once(attached, "close");
    expect(String(await buffer(attached.stdout!))).toBe("bye");
    expect((await closed)[0]).toBe(0);
  });

  it("waits for a slow reader with little memory", async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    const sent = Promise.withResolvers<void>();
    async function sendAll(socket: Socket) {
      for (let count = 0; count < 500; count++) {
        if (!socket.write(chunk)) await once(socket, "drain");
      }
      socket.end(sent.resolve);
    }
    const path = await serve((socket) => void sendAll(socket));
    const attached = startManager("attach", "--socket", path);
    const { stdout } = attached;
    await once(stdout!, "readable");
    const before = peakMemory(attached);
    let count = 0;
    let peak = 0;
    for await (const piece of stdout!) {
      count += (piece as Buffer).length;
      if (existsSync(`/proc/${attached.pid}/fd`)) peak = Math.max(peak, peakMemory(attached) || 0);
      await setImmediate();
    }
    await sent.promise;
    expect(count).toBe(500 * chunk.length);
    expect(peak - before).toBeLessThan(80);
  });

  it("says that nobody listens", async () => {
    const attached = startManager("attach", "--socket", join(tempDir(), "none"));
    const stderr = buffer(attached.stderr!);
    const [code] = await once(attached, "close");
    expect(code).toBe(5);
    expect(String(await stderr)).toMatch(/Nobody listens at ".*none" \(ENOENT\)/);
  });
});

describe("through an attached process", () => {
  function makeSource(): { source: string; list: string } {
    const source = tempDir();
    const names: string[] = [];
    for (let at = 0; at < 400; at++) {
      const folder = `d${at % 20}`;
      if (at < 20) {
        mkdirSync(join(source, folder));
        names.push(folder);
      }
      writeFileSync(join(source, folder, `f${at}`), randomBytes(at * 500));
      names.push(`${folder}/f${at}`);
    }
    writeFileSync(join(source, "large"), randomBytes(30_000_000));
    names.push("large");
    const list = join(tempDir(), "list");
    writeFileSync(list, names.map((name) => `./${name}\0`).join(""));
    return { source, list };
  }

  async function send(destination: FileDestination, from: ReturnType<typeof makeSource>) {
    await destination.makeTemporary(".t");
    const complaints = await runRsync({
      ...{ sourceDir: from.source, list: from.list, ownership: "preserve", signal },
      powers: powersOf(false, 0n),
      features: await destination.rsyncFeatures(signal),
      route: await destination.rsync(".t"),
    });
    await destination.removeTemporary(".t");
    return complaints;
  }

  it("rsync that is cut anywhere fails honestly, and a later one ends equal", async () => {
    const from = makeSource();
    const root = tempDir();
    const { child, socket } = await startReceive(root);
    const { receiver, carriers } = await attachTo(socket);
    const { destination } = receiver;
    // Each goes on where the one before was cut; all of them together would not be done.
    for (const bytes of [0, 100, 70_000, 1e6, 5e6, 20e6]) {
      const cut = cutAfter(destination, bytes, () => {
        carriers.at(-1)?.kill("SIGKILL");
      });
      await expect(send(cut, from)).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
    }
    await destination.makeTemporary(".t");
    expect(childrenOf(child)).toEqual([]);
    expect(await send(destination, from)).toEqual([]);
    expect(rsyncDifferences(from.source, root, "--omit-dir-times")).toBe("");
    expect(carriers.length).toBe(7);
  });

  it("bytes wait for a slow reader at either side, with flat memory", async () => {
    const { child, socket } = await startReceive(tempDir());
    const { receiver, carriers } = await attachTo(socket);
    const size = 500 * 1024 * 1024;
    const far = Promise.withResolvers<Socket>();
    const server = createServer({ allowHalfOpen: true }, (one) => far.resolve(one.pause()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const processes = [child, carriers[0]!];
    const peaks = processes.map(peakMemory);
    const near = await receiver.dial({ host: "127.0.0.1", port });
    const distant = await far.promise;
    const ways = [
      { from: near, to: distant },
      { from: distant, to: near },
    ];
    for (const { from, to } of ways) {
      const before = process.memoryUsage().rss;
      const sent = createHash("sha256");
      const sending = (async () => {
        for (let left = size; left > 0; left -= 1024 * 1024) {
          const chunk = randomBytes(1024 * 1024);
          sent.update(chunk);
          if (!from.write(chunk)) await once(from, "drain");
        }
        from.end();
      })();
      const received = createHash("sha256");
      for await (const piece of to) {
        received.update(piece as Buffer);
        await setImmediate();
      }
      await sending;
      expect(received.digest("hex")).toBe(sent.digest("hex"));
      expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(250);
    }
    for (const [at, one] of processes.entries()) {
      expect(peakMemory(one) - peaks[at]!).toBeLessThan(120);
    }
  });
});

/** A destination whose rsync is sent so many bytes before `cut` is called. */
function cutAfter(destination: FileDestination, bytes: number, cut: () => void): FileDestination {
  return {
    ...destination,
    async rsync(temporary) {
      const route = await destination.rsync(temporary);
      return {
        ...route,
        async connect(args, stop) {
          const receiving = await route.connect!(args, stop, false);
          let left = bytes;
          const write = receiving.stream._write;
          if (left === 0) cut();
          receiving.stream._write = function counted(piece: Buffer, encoding, done) {
            left -= piece.length;
            if (left <= 0) cut();
            write.call(this, piece, encoding, done);
          };
          // One by one, so that all are counted.
          Object.assign(receiving.stream, { _writev: null });
          return receiving;
        },
      };
    },
  };
}
