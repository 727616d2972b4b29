import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect as connectHttp2, performServerHandshake } from "node:http2";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { protocolHeader, protocolVersion, requestHeaders } from "../../../src/receiver/protocol.ts";
import { encodeRecord } from "../../../src/receiver/records.ts";
import { decodeEnd, encodeEnd } from "../../../src/receiver/wire-error.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { asPlainDuplex, connectTo, serveAgent, startServer } from "./receiver-rig.ts";

const unavailable = expect.objectContaining({ code: "E_UNAVAILABLE" });

describe("a connection to the agent", () => {
  it("tells what is at the other end", async () => {
    const root = tempDir();
    const { open } = await serveAgent({ root });
    const receiver = await connectTo(open);
    expect(await receiver.info()).toMatchObject({
      ...{ root, uid: process.geteuid?.(), architecture: process.arch, protocol: protocolVersion },
      rsync: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    expect(receiver.destination.label).toBe(`receiver:${root}`);
  });

  it("rejects what runs when it is cut, and is opened again by the next call", async () => {
    const root = tempDir();
    writeFileSync(join(root, "large"), Buffer.alloc(300_000_000));
    const { open, connections } = await serveAgent({ root });
    const { destination } = await connectTo(open);
    const onBytes = () => connections[0]?.destroy();
    const hashing = destination.hash(Buffer.from("large"), { onBytes });
    await expect(hashing).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: expect.stringContaining("The connection to receiver broke: "),
    });
    const both = await Promise.all([destination.names(), destination.names()]);
    expect(both).toEqual([["large"], ["large"]]);
    expect(connections).toHaveLength(2);
  });

  it("says why it cannot be opened, and tries again at the next call", async () => {
    const { open, connections } = await serveAgent();
    let isDown = false;
    const { destination } = await connectTo(async () => {
      if (isDown) throw new Error("the pod is gone");
      return await open();
    });
    isDown = true;
    connections[0]?.destroy();
    await once(connections[0]!, "close");
    await expect(destination.names()).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: "Cannot connect to receiver: the pod is gone",
    });
    isDown = false;
    expect(await destination.names()).toEqual([]);
  });

  it("is waited for where that is wanted: a pod runs before its agent listens", async () => {
    const { open } = await serveAgent();
    let early = 2;
    const opening = async () => {
      if (early > 0) {
        early--;
        throw new Error("Nobody listens");
      }
      return await open();
    };
    const { signal } = new AbortController();
    const patience = { clock: systemClock, signal, budget: 30_000 };
    expect(await (await connectTo(opening, { patience })).destination.names()).toEqual([]);
  });

  it("counts as broken when the other end is silent", async () => {
    const port = await startServer((socket) => socket.resume());
    const open = async () => connect(port, "127.0.0.1");
    const liveness = { pingMs: 20, silenceMs: 100 };
    const receiver = connectTo(open, { liveness });
    await expect(receiver).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: expect.stringContaining("has been silent"),
    });
  });

  it("is ended by the agent when its other end is silent", async () => {
    const { open } = await serveAgent({ liveness: { pingMs: 20, silenceMs: 100 } });
    const socket = await open();
    socket.resume();
    await once(socket, "close");
  });

  it("stays as long as pings are answered, however long nothing is asked", async () => {
    const liveness = { pingMs: 20, silenceMs: 100 };
    const { open, connections } = await serveAgent({ liveness });
    const { destination } = await connectTo(open, { liveness });
    let pings = 0;
    connections[0]?.on("data", () => undefined);
    await expect
      .poll(() => {
        pings = connections[0]?.bytesRead ?? 0;
        return pings;
      })
      .toBeGreaterThan(1000);
    expect(await destination.names()).toEqual([]);
    expect(connections).toHaveLength(1);
  });

  it("refuses an agent of another protocol, naming both versions", async () => {
    const port = await startServer((socket) => {
      performServerHandshake(socket).on("stream", (stream) => {
        const info = { version: "9.9.9", protocol: 99, root: "/", uid: 0, gid: 0, clock: 0 };
        const powers = { preserve: true, devices: true, fileCapabilities: true };
        const result = {
          ...{ ...info, architecture: "x64" },
          powers: { ...powers, trustedAttributes: true },
        };
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => {
          stream.sendTrailers({ "migmgr-end": encodeEnd({ value: null }) });
        });
        stream.end(encodeRecord({ result }));
      });
    });
    const receiver = connectTo(async () => connect(port, "127.0.0.1"));
    await expect(receiver).rejects.toMatchObject({
      code: "E_VERSION",
      message: expect.stringContaining(
        `9.9.9 and speaks protocol 99, this manager speaks ${protocolVersion}`,
      ),
    });
  });

  it("takes an answer without its end for a broken one, also where it ends cleanly", async () => {
    const port = await startServer((socket) => {
      performServerHandshake(socket).on("stream", (stream) => {
        stream.respond({ ":status": 200 });
        stream.end(encodeRecord({ result: {} }));
      });
    });
    await expect(connectTo(async () => connect(port, "127.0.0.1"))).rejects.toEqual(unavailable);
  });

  it("logs each session with its way, and its end", async () => {
    const lines: { msg: string; via: string }[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const { open } = await serveAgent({ log });
    const receiver = await connectTo(open);
    await receiver.close();
    await expect.poll(() => lines.length).toBe(2);
    expect(lines).toMatchObject([
      { msg: "Session opened", via: "control" },
      { msg: "Session ended", via: "control" },
    ]);
    await expect(receiver.info()).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  });
});

describe.each([
  ["a socket", async (open: () => Promise<Duplex>) => await open()],
  ["a stream that is no socket", asPlainDuplex],
] as const)("the relay over %s", (_, wrap) => {
  async function dialer() {
    const { open } = await serveAgent();
    return (await connectTo(() => wrap(open as never))).dial;
  }

  it("goes on in one direction after the other has ended, at either side", async () => {
    const dial = await dialer();
    const counting = await startServer((far) => {
      void buffer(far).then((bytes) => far.end(`${bytes.length} bytes`));
    });
    const first = await dial({ host: "127.0.0.1", port: counting });
    first.end(Buffer.alloc(20_000_000));
    expect(await text(first)).toBe("20000000 bytes");

    const late = Promise.withResolvers<number>();
    const speaksFirst = await startServer((far) => {
      far.end("bye");
      void buffer(far).then(({ length }) => late.resolve(length));
    });
    const second = await dial({ host: "localhost", port: speaksFirst });
    expect(await text(second)).toBe("bye");
    second.end(Buffer.alloc(5_000_000));
    expect(await late.promise).toBe(5_000_000);
  });

  it("says in words why a target cannot be reached, with the system's code", async () => {
    const dial = await dialer();
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as { port: number };
    closed.close();
    await expect(dial({ host: "127.0.0.1", port })).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: expect.stringContaining("nobody listens at that port"),
      cause: { code: "ECONNREFUSED" },
    });
    await expect(dial({ host: "nowhere.invalid", port: 1 })).rejects.toMatchObject({
      message: expect.stringMatching(/nowhere\.invalid port 1 from the destination's network: its/),
    });
  });

  it("passes a reset on, at either side", async () => {
    const dial = await dialer();
    const resetting = await startServer(
      (far) => void far.once("data", () => far.resetAndDestroy()),
    );
    const stream = await dial({ host: "127.0.0.1", port: resetting });
    stream.write("x");
    await expect(buffer(stream)).rejects.toEqual(unavailable);

    const left = Promise.withResolvers<void>();
    const waiting = await startServer(
      (far) => void far.resume().once("error", () => left.resolve()),
    );
    const leaving = await dial({ host: "127.0.0.1", port: waiting });
    leaving.destroy();
    await left.promise;
  });

  it("carries many connections, each byte of them", async () => {
    const dial = await dialer();
    const port = await startServer((far) => far.pipe(far));
    const sizes = Array.from({ length: 150 }, (_, at) => at * 997);
    const lengths = await Promise.all(
      sizes.map(async (size) => {
        const stream = await dial({ host: "127.0.0.1", port });
        const sent = Buffer.alloc(size, size);
        stream.end(sent);
        const echoed = await buffer(stream);
        return echoed.equals(sent) ? size : -1;
      }),
    );
    expect(lengths).toEqual(sizes);
  });

  it("stops connecting when it is told to", async () => {
    const dial = await dialer();
    const port = await startServer(() => undefined);
    const stopped = AbortSignal.abort(new Error("no more"));
    await expect(dial({ host: "127.0.0.1", port }, stopped)).rejects.toThrow("no more");
  });
});

describe("a hostile request", () => {
  async function ask(path: string, body: Buffer, headers = {}) {
    const root = join(tempDir(), "root");
    mkdirSync(root);
    const { open } = await serveAgent({ root });
    const socket = await open();
    const session = connectHttp2("http://x", { createConnection: () => socket });
    onTestFinished(() => session.destroy());
    const stream = session.request({ ...requestHeaders(path), ...headers });
    stream.on("error", () => undefined);
    stream.resume().end(body);
    const [trailers] = (await once(stream, "trailers")) as [Record<string, string>];
    const end = decodeEnd(trailers["migmgr-end"]!);
    return "error" in end ? end.error : undefined;
  }
  const refused = expect.objectContaining({ code: "E_REFUSED" });

  it.each(["..", "../x", "a/../../x", "/etc/passwd", "a//b", "", "a\0b"])(
    "for the path %j is refused",
    async (path) => {
      expect(await ask("/call/look", encodeRecord({ paths: [path] }))).toEqual(refused);
      expect(await ask("/call/hash", encodeRecord({ path }))).toEqual(refused);
      const file = { path, type: "f", size: 0, mtimeNs: "0", mode: 0 };
      const how = { ownership: "inherit", isWhole: true };
      const place = encodeRecord({ temporary: ".t", files: [file], how });
      expect(await ask("/call/place", place)).toEqual(refused);
      expect(await ask("/call/clear", encodeRecord({ path }))).toEqual(refused);
    },
  );

  it.each(["..", "a/b", "", "/tmp"])("for the folder %j is refused", async (temporary) => {
    expect(await ask("/call/removeTemporary", encodeRecord({ temporary }))).toEqual(refused);
    const start = encodeRecord({ temporary, ownership: "inherit" });
    expect(await ask("/unpack", start)).toEqual(refused);
  });

  it("for another program is refused", async () => {
    const words = (...args: string[]) => encodeRecord({ temporary: ".t", args });
    expect(await ask("/rsync", words("sh", "-c", "id"))).toEqual(refused);
    const streamed = Buffer.concat([words("--server", "-s"), Buffer.from("sh\0-c\0id\0\0")]);
    expect(await ask("/rsync", streamed)).toEqual(refused);
    const endless = Buffer.concat([words("--server", "-s"), Buffer.alloc(200_000, "a")]);
    expect(await ask("/rsync", endless)).toEqual(refused);
  });

  it("that is malformed, huge, unknown, or of another protocol is refused", async () => {
    expect(await ask("/call/look", encodeRecord({ paths: "x" }))).toEqual(refused);
    expect(await ask("/call/look", Buffer.alloc(0))).toEqual(refused);
    expect(await ask("/call/look", Buffer.from([255, 255, 255, 255]))).toEqual(refused);
    expect(await ask("/call/constructor", encodeRecord({}))).toMatchObject({ code: "E_VERSION" });
    expect(await ask("/else", encodeRecord({}))).toMatchObject({ code: "E_VERSION" });
    expect(await ask("/call/names", encodeRecord({}), { [protocolHeader]: "7" })).toMatchObject({
      code: "E_VERSION",
      message: expect.stringContaining(`speaks protocol ${protocolVersion}, the manager speaks 7`),
    });
    expect(await ask("/connect", encodeRecord({ host: "x", port: 70_000 }))).toEqual(refused);
    expect(await ask("/call/listen", encodeRecord({ key: "short" }))).toEqual(refused);
  });

  it("that is no HTTP/2 at all ends its own connection alone", async () => {
    const { open } = await serveAgent();
    const { destination } = await connectTo(open);
    const socket = await open();
    socket.resume().on("error", () => undefined);
    socket.write("GET / HTTP/1.1\r\n\r\n".repeat(100));
    await once(socket, "close");
    expect(await destination.names()).toEqual([]);
  });
});
