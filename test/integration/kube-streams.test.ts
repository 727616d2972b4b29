import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { WebSocket } from "ws";
import type { ExecSession } from "../../src/kube/cluster.ts";
import { startConnectProxy, startSocksProxy } from "../support/proxies.ts";
import { apiHost, openFor, startApi } from "./kube-rig.ts";

const pod = { namespace: "here", pod: "one" };

const success = JSON.stringify({ status: "Success" });
const failed = (code: string) =>
  JSON.stringify({
    status: "Failure",
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: code }] },
  });

function frame(channel: number, data: string | Buffer): Buffer {
  return Buffer.concat([Buffer.of(channel), Buffer.from(data)]);
}

/** Both outputs and the end, each as it came. */
async function outcome({ stdout, stderr, ended }: ExecSession) {
  const [out, err, end] = await Promise.allSettled([text(stdout), text(stderr), ended]);
  return { out, err, end };
}

async function runWith(socket: (socket: WebSocket) => void): Promise<ExecSession> {
  const api = await startApi({ socket });
  return (await openFor(api.access)).exec(pod, ["a", "b c"]);
}

it("asks for a command as the API wants it, and gives back both outputs and the exit code", async () => {
  const api = await startApi({
    socket(socket) {
      socket.send(frame(1, ""));
      socket.send(frame(1, "out"));
      socket.send(frame(2, "err"));
      socket.send(frame(3, failed("42").slice(0, 20)));
      socket.send(frame(3, failed("42").slice(20)), () => socket.close(1000));
    },
  });
  const cluster = await openFor(api.access, { migration: "full-1a2b" });
  const session = await cluster.exec({ ...pod, container: "main" }, ["a", "b c"]);
  expect(await outcome(session)).toMatchObject({
    out: { value: "out" },
    err: { value: "err" },
    end: { value: 42 },
  });
  expect(api.requests[0]?.url).toBe(
    "/api/v1/namespaces/here/pods/one/exec?command=a&command=b+c&container=main&stdout=true&stderr=true&stdin=true",
  );
  expect(api.requests[0]?.headers["user-agent"]).toContain("(full-1a2b)");
});

it.each([
  ["is closed without a status", 1000, (socket: WebSocket) => socket.close(1000)],
  ["is cut", 1006, (socket: WebSocket) => socket.terminate()],
])("takes a stream that %s for a failure, never for an end", async (_, code, end) => {
  const session = await runWith((socket) => socket.send(frame(1, "half"), () => end(socket)));
  const cut = {
    status: "rejected",
    reason: {
      code: "E_UNAVAILABLE",
      message: `The connection to pod "one" ended before the command did (WebSocket code ${code})`,
    },
  };
  expect(await outcome(session)).toMatchObject({ out: cut, err: cut, end: cut });
});

it("tells why a command did not run", async () => {
  const message = 'exec: "nonsense": executable file not found in $PATH';
  const session = await runWith((socket) => {
    const status = { status: "Failure", reason: "InternalError", message };
    socket.send(frame(3, JSON.stringify(status)), () => socket.close(1000));
  });
  expect((await outcome(session)).end).toMatchObject({
    reason: { code: "E_CLUSTER", message: `Cannot run a command in pod "one": ${message}` },
  });
});

it("counts a peer as gone that answers no ping", async () => {
  const api = await startApi({ autoPong: false, socket: () => {} });
  const cluster = await openFor(api.access, { silenceMs: 30 });
  const { end } = await outcome(await cluster.exec(pod, ["sleep"]));
  expect(end).toMatchObject({
    reason: { code: "E_UNAVAILABLE", message: "The API has been silent for 0.03 seconds" },
  });
  const forwarded = await cluster.forward({ ...pod, port: 80 });
  await expect(buffer(forwarded)).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
});

it("ends by its signal, by its own closing, and with its cluster", async () => {
  const api = await startApi({ socket: () => {} });
  const cluster = await openFor(api.access);
  const stop = new AbortController();
  const sessions = [
    await cluster.exec(pod, ["sleep"], { signal: stop.signal }),
    await cluster.exec(pod, ["sleep"]),
    await cluster.exec(pod, ["sleep"]),
  ] as const;
  stop.abort(new Error("enough"));
  sessions[1].close();
  cluster.close();
  await expect(sessions[0].ended).rejects.toThrow("enough");
  await expect(sessions[1].ended).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  await expect(sessions[2].ended).rejects.toMatchObject({ code: "E_INTERRUPTED" });
});

it("ends a command's input without ending its output", async () => {
  const received: Buffer[] = [];
  const session = await runWith((socket) => {
    socket.on("message", (message: Buffer) => {
      received.push(message);
      if (message[0] !== 255) return;
      socket.send(frame(1, "after the input"));
      socket.send(frame(3, success), () => socket.close(1000));
    });
  });
  session.stdin.end("input");
  expect((await outcome(session)).out).toMatchObject({ value: "after the input" });
  expect(received).toEqual([frame(0, "input"), Buffer.of(255, 0)]);
});

it("says so where the API cannot end a command's input", async () => {
  const api = await startApi({ protocol: "v4.channel.k8s.io", socket: () => {} });
  const session = await (await openFor(api.access)).exec(pod, ["cat"]);
  const ending = pipeline(Readable.from(["input"]), session.stdin);
  await expect(ending).rejects.toMatchObject({ code: "E_VERSION" });
  await expect(session.ended).rejects.toMatchObject({ code: "E_VERSION" });
});

const total = 96 * 1024 * 1024;
const piece = randomBytes(1024 * 1024);
const wholeHash = hashOf(Array.from({ length: total / piece.length }, () => piece));

function hashOf(parts: readonly Buffer[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Once nothing more has moved for a while. */
async function whenStill(moved: () => number): Promise<number> {
  for (let before = -1; before !== moved(); await sleep(100)) before = moved();
  return moved();
}

it("sends no more than the other side takes, and all of it in the end", async () => {
  const hash = createHash("sha256");
  const opened = Promise.withResolvers<WebSocket>();
  const session = await runWith((socket) => {
    socket.pause();
    opened.resolve(socket);
    socket.on("message", (message: Buffer) => {
      if (message[0] === 0) hash.update(message.subarray(1));
      else socket.send(frame(3, success), () => socket.close(1000));
    });
  });
  let taken = 0;
  const pieces = function* () {
    for (; taken < total; taken += piece.length) yield piece;
  };
  const sent = pipeline(Readable.from(pieces()), session.stdin);
  expect(await whenStill(() => taken)).toBeLessThan(total / 2);
  (await opened.promise).resume();
  await sent;
  const { end } = await outcome(session);
  expect(end).toMatchObject({ value: 0 });
  expect(hash.digest("hex")).toBe(wholeHash);
});

it("takes no more than is read, and gives all of it in the end", async () => {
  let sent = 0;
  const session = await runWith((socket) => {
    const next = () => {
      if (sent === total) return socket.send(frame(3, success), () => socket.close(1000));
      return socket.send(frame(1, piece), () => {
        sent += piece.length;
        next();
      });
    };
    next();
  });
  expect(await whenStill(() => sent)).toBeLessThan(total / 2);
  const parts: Buffer[] = [];
  for await (const part of session.stdout) parts.push(part);
  expect(hashOf(parts)).toBe(wholeHash);
  expect(await session.ended).toBe(0);
});

it("gives one output while nobody wants the other any more", async () => {
  const session = await runWith((socket) => {
    for (let count = 0; count < 8; count++) socket.send(frame(2, piece));
    socket.send(frame(1, "seen"));
    socket.send(frame(3, success), () => socket.close(1000));
  });
  session.stderr.destroy();
  expect(await text(session.stdout)).toBe("seen");
  expect(await session.ended).toBe(0);
});

it("tells the API's refusal of a stream, after it has asked once more with a renewed token", async () => {
  const api = await startApi({
    refuseUpgrade: ({ headers }) => (headers.authorization === "Bearer renewed" ? 403 : 401),
  });
  const cluster = await openFor(api.access);
  const failure = cluster.exec(pod, ["true"]);
  api.setToken("renewed");
  await expect(failure).rejects.toMatchObject({ code: "E_PERMISSION" });
  expect(api.requests.at(-1)?.headers.authorization).toBe("Bearer renewed");
});

it("begins a command again where it was refused, never where it may have begun", async () => {
  const api = await startApi({
    refuseUpgrade: (_, number) => (number < 3 ? 503 : 0),
  });
  const failure = (await openFor(api.access)).exec(pod, ["true"]);
  await expect(failure).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  expect(api.requests).toHaveLength(3);
});

it.each([
  ["an HTTP proxy", startConnectProxy],
  ["a SOCKS5 proxy", startSocksProxy],
])("runs commands and forwards ports through %s", async (_, startProxy) => {
  const api = await startApi({
    socket: (socket) => socket.send(frame(3, success), () => socket.close(1000)),
  });
  const proxy = await startProxy(api.port);
  const access = { ...api.access, server: `https://${apiHost}:6443`, proxyUrl: proxy.url };
  const cluster = await openFor(access);
  expect((await outcome(await cluster.exec(pod, ["true"]))).end).toMatchObject({ value: 0 });
  expect(await text(await cluster.forward({ ...pod, port: 80 }))).toBe("");
  const target = `${apiHost}:6443`;
  expect(proxy.asked.map((asked) => asked.target)).toEqual([target, target]);
});

const portPrefix = Buffer.of(80, 0);

it("forwards a port both ways, wherever the port's number ends", async () => {
  const api = await startApi({
    socket(socket) {
      socket.send(frame(0, portPrefix.subarray(0, 1)));
      socket.send(frame(1, portPrefix));
      socket.send(frame(0, Buffer.concat([portPrefix.subarray(1), Buffer.from("hel")])));
      socket.send(frame(0, "lo"));
      socket.on("message", (message: Buffer) => {
        socket.send(message, () => socket.close(1000));
      });
    },
  });
  const stream = await (await openFor(api.access)).forward({ ...pod, port: 80 });
  stream.write(" again");
  expect(await text(stream)).toBe("hello again");
  expect(api.requests[0]?.url).toBe("/api/v1/namespaces/here/pods/one/portforward?ports=80");
});

it("tells what the other end of a forwarding says, and that it was cut", async () => {
  const ends = [
    (socket: WebSocket) => socket.send(frame(1, Buffer.concat([portPrefix, Buffer.from("no")]))),
    (socket: WebSocket) => socket.terminate(),
  ];
  const api = await startApi({
    socket: (socket) => ends.shift()?.(socket),
  });
  const cluster = await openFor(api.access);
  for (const words of ["no", "the connection was cut"]) {
    const stream = await cluster.forward({ ...pod, port: 80 });
    await expect(text(stream)).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: `The forwarding to port 80 of pod "one" ended: ${words}`,
    });
  }
});

it("closes a forwarding once all that was written is sent", async () => {
  const received: Buffer[] = [];
  const closed = Promise.withResolvers<number>();
  const api = await startApi({
    socket(socket) {
      socket.on("message", (message: Buffer) => received.push(message.subarray(1)));
      socket.on("close", closed.resolve);
    },
  });
  const stream = await (await openFor(api.access)).forward({ ...pod, port: 80 });
  stream.resume().end(piece);
  expect(await closed.promise).toBe(1000);
  expect(hashOf(received)).toBe(hashOf([piece]));
  if (!stream.closed) await once(stream, "close");
});
