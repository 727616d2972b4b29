import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { redactText } from "../../../src/core/secrets.ts";
import { tcpDial } from "../../../src/manager/link/tcp-dial.ts";
import { connectThrough, dialLocally, startServer, startSocks } from "./link-rig.ts";

describe("a connection through the link", () => {
  it.each(["db.example.test", "10.1.2.3", "::1", "2001:db8::7"])(
    "to %s is made by the dial, which gets the host as it was asked for",
    async (host) => {
      const port = await startServer((socket) => socket.once("data", () => socket.end("hello")));
      const asked: string[] = [];
      const socks = await startSocks(dialLocally(asked));
      const socket = await connectThrough(socks, { host, port });
      socket.write("who is there?");
      expect(String(await buffer(socket))).toBe("hello");
      expect(asked).toEqual([`${host}:${port}`]);
    },
  );

  it("goes on in one direction after the other has ended, at either side", async () => {
    const received = Promise.withResolvers<string>();
    const port = await startServer((far) => {
      buffer(far).then((bytes) => {
        received.resolve(String(bytes));
        far.end(`${bytes.length} bytes`);
      }, received.reject);
    });
    const socks = await startSocks(dialLocally());
    const socket = await connectThrough(socks, { host: "h", port });
    socket.end("x".repeat(100_000));
    expect(String(await buffer(socket))).toBe("100000 bytes");
    expect((await received.promise).length).toBe(100_000);

    const late = Promise.withResolvers<string>();
    const speaksFirst = await startServer((far) => {
      far.end("bye");
      buffer(far).then((bytes) => late.resolve(String(bytes)), late.reject);
    });
    const raw = await rawConnection(socks.port);
    await logIn(raw, socks.login);
    raw.write(request("h", speaksFirst));
    expect(String(await buffer(raw)).slice(-3)).toBe("bye");
    raw.end("and then");
    expect(await late.promise).toBe("and then");
  });

  it("keeps what the client sent before it was answered", async () => {
    const port = await startServer((socket) => socket.pipe(socket));
    const socks = await startSocks(dialLocally());
    const raw = await rawConnection(socks.port);
    await logIn(raw, socks.login);
    raw.write(Buffer.concat([request("h", port), Buffer.from("early")]));
    await untilLength(raw, 15);
    expect(raw.read().subarray(10).toString()).toBe("early");
  });

  it("ends at once for the client when the far side is cut, and the other way round", async () => {
    const far: Socket[] = [];
    const port = await startServer((socket) => far.push(socket));
    const socks = await startSocks(dialLocally());
    const first = await connectThrough(socks, { host: "h", port });
    first.on("error", () => {});
    far[0]!.resetAndDestroy();
    await once(first, "close");
    const second = await connectThrough(socks, { host: "h", port });
    const closed = once(far[1]!, "close");
    far[1]!.resume();
    far[1]!.once("end", () => far[1]!.end());
    second.destroy();
    await closed;
  });
});

it("may tie a connection to the signal that it was dialled with", async () => {
  const port = await startServer((socket) => socket.pipe(socket));
  const signals: AbortSignal[] = [];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const socks = await startSocks((target, signal) => {
    signals.push(signal!);
    return dialLocally()(target, signal);
  });
  const socket = await connectThrough(socks, { host: "h", port });
  vi.advanceTimersByTime(3_600_000);
  socket.end("still there?");
  expect(String(await buffer(socket))).toBe("still there?");
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
});

describe("a connection that cannot be made", () => {
  it.each([
    [
      "a system error",
      Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:27017"), { code: "ECONNREFUSED" }),
      /ConnectionRefused/,
    ],
    [
      "an error of ours with a cause",
      new MigrationError("E_UNAVAILABLE", "The relay said: no route to host", {
        cause: Object.assign(new Error("x"), { code: "ENETUNREACH" }),
      }),
      /NetworkUnreachable/,
    ],
    ["an error of ours", new MigrationError("E_UNAVAILABLE", "connection refused"), /HostUnreach/],
    ["a denied verb", new MigrationError("E_PERMISSION", "pods/portforward"), /NotAllowed/],
    ["anything else", new Error("nobody knows"), /Failure/],
  ])("after %s is refused with its reply, and its words are kept", async (_, error, reply) => {
    const socks = await startSocks(() => Promise.reject(error));
    const target = { host: "db", port: 27017 };
    await expect(connectThrough(socks, target)).rejects.toThrow(reply);
    expect(socks.lastError()).toBe(`db:27017: ${error.message}`);
    const failing = new MigrationError("E_UNAVAILABLE", "Cannot connect", { hint: "h" });
    const explained = socks.explain(failing) as MigrationError;
    expect(explained.message).toBe(`Cannot connect (through the link: db:27017: ${error.message})`);
    const other = new MigrationError("E_TLS", "other");
    expect(socks.explain(other)).toBe(other);
  });

  it("is forgotten once the same target is reached", async () => {
    const port = await startServer((socket) => socket.end("hello"));
    let fails = true;
    const socks = await startSocks((target, signal) =>
      fails ? Promise.reject(new Error("not yet")) : dialLocally()(target, signal),
    );
    await expect(connectThrough(socks, { host: "db", port })).rejects.toThrow();
    expect(socks.lastError()).toBe(`db:${port}: not yet`);
    fails = false;
    await connectThrough(socks, { host: "db", port });
    expect(socks.lastError()).toBeUndefined();
  });

  it("is told even if that shows only after it was accepted", async () => {
    const far = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const socks = await startSocks(() => Promise.resolve(far));
    const socket = await connectThrough(socks, { host: "db", port: 27017 });
    socket.on("error", () => {});
    far.destroy(new Error("nobody listens on port 27017 of the pod"));
    await once(socket, "close");
    expect(socks.lastError()).toBe("db:27017: nobody listens on port 27017 of the pod");
  });

  it("is not waited for once the client has left", async () => {
    const started = Promise.withResolvers<AbortSignal>();
    const socks = await startSocks((_target, signal) => {
      started.resolve(signal!);
      return new Promise(() => {});
    });
    const raw = await rawConnection(socks.port);
    await logIn(raw, socks.login);
    raw.write(request("h", 1));
    const signal = await started.promise;
    raw.destroy();
    if (!signal.aborted) await once(signal, "abort");
    expect(signal.aborted).toBe(true);
  });

  it("is given up shortly before the driver does, which so hears why", async () => {
    const started = Promise.withResolvers<void>();
    const socks = await startSocks(() => {
      started.resolve();
      return new Promise(() => {});
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const refused = expect(connectThrough(socks, { host: "db", port: 1 })).rejects.toThrow(
      /proxy rejected connection/i,
    );
    await started.promise;
    vi.advanceTimersByTime(9000);
    await refused;
    expect(socks.lastError()).toBe("db:1: No answer in 9 seconds");
  });

  it("is closed again if it comes too late", async () => {
    const started = Promise.withResolvers<AbortSignal>();
    const late = Promise.withResolvers<Duplex>();
    const socks = await startSocks((_target, signal) => {
      started.resolve(signal!);
      return late.promise;
    });
    const raw = await rawConnection(socks.port);
    await logIn(raw, socks.login);
    raw.write(request("h", 1));
    const signal = await started.promise;
    raw.destroy();
    if (!signal.aborted) await once(signal, "abort");
    const far = new Duplex({ read() {}, write() {} });
    late.resolve(far);
    await once(far, "close");
    expect(far.destroyed).toBe(true);
  });
});

describe("the link's port", () => {
  it("answers on 127.0.0.1 only", async () => {
    const { port } = await startSocks(dialLocally());
    const others = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ address }) => address !== "127.0.0.1" && !address.startsWith("fe80:"));
    for (const host of ["127.0.0.2", "::1", ...others.map(({ address }) => address)]) {
      await expect(tcpDial({ host, port }), host).rejects.toThrow();
    }
    (await tcpDial({ host: "127.0.0.1", port })).destroy();
  });

  it("takes nobody without its log-in, and dials for nobody before that", async () => {
    const asked: string[] = [];
    const socks = await startSocks(dialLocally(asked));
    const target = { host: "h", port: 1 };
    await expect(connectThrough(socks, target, "wrong")).rejects.toThrow(/Authentication failed/);
    await expect(connectThrough(socks, target, `${socks.login.password}x`)).rejects.toThrow();
    const withoutLogin = await rawConnection(socks.port);
    withoutLogin.write(Buffer.of(5, 1, 0));
    expect(await buffer(withoutLogin)).toEqual(Buffer.of(5, 255));
    const jumping = await rawConnection(socks.port);
    jumping.write(Buffer.concat([Buffer.of(5, 1, 2), request("h", 1)]));
    expect(await buffer(jumping)).toEqual(Buffer.of(5, 2, 1, 1));
    expect(asked).toEqual([]);
  });

  it("has another log-in each time, and masks its password", async () => {
    const [one, two] = [await startSocks(dialLocally()), await startSocks(dialLocally())];
    expect(one.login.password).not.toBe(two.login.password);
    expect(redactText(`the password is ${one.login.password}`)).toBe("the password is ***");
  });

  it.each([
    ["another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n"), []],
    ["SOCKS 4", Buffer.of(4, 1, 0, 80, 127, 0, 0, 1, 0), []],
  ])("closes on %s", async (_, greeting, answer) => {
    const socks = await startSocks(dialLocally());
    const raw = await rawConnection(socks.port);
    raw.write(greeting);
    expect([...(await buffer(raw))]).toEqual(answer);
  });

  it.each([
    ["BIND", 2, 1, 7],
    ["UDP ASSOCIATE", 3, 1, 7],
    ["an unknown type of address", 1, 9, 8],
  ])("refuses %s", async (_, command, addressType, reply) => {
    const socks = await startSocks(dialLocally());
    const raw = await rawConnection(socks.port);
    await logIn(raw, socks.login);
    raw.write(Buffer.of(5, command, 0, addressType, 127, 0, 0, 1, 0, 80));
    expect((await buffer(raw))[1]).toBe(reply);
  });

  it("understands what comes byte by byte", async () => {
    const port = await startServer((socket) => socket.end("hello"));
    const socks = await startSocks(dialLocally());
    const raw = await rawConnection(socks.port);
    const name = Buffer.from(socks.login.username);
    const password = Buffer.from(socks.login.password);
    const all = [
      Buffer.of(5, 2, 0, 2, 1, name.length),
      ...[name, Buffer.of(password.length), password, request("h", port)],
    ];
    for (const byte of Buffer.concat(all)) {
      await new Promise<void>((resolve) => raw.write(Buffer.of(byte), () => resolve()));
    }
    expect(String(await buffer(raw)).slice(-5)).toBe("hello");
  });

  it("has room for so many connections and no more", async () => {
    const port = await startServer((socket) => socket.pipe(socket));
    const socks = await startSocks(dialLocally(), { maxConnections: 2 });
    const open = [1, 2].map(() => connectThrough(socks, { host: "h", port }));
    const [first] = await Promise.all(open);
    await expect(connectThrough(socks, { host: "h", port })).rejects.toThrow();
    first!.destroy();
    await expect
      .poll(() =>
        connectThrough(socks, { host: "h", port }).then(
          () => "open",
          () => "refused",
        ),
      )
      .toBe("open");
  });

  it.each(["close", "abort"])("takes its connections with it on %s", async (how) => {
    const stop = new AbortController();
    const port = await startServer((socket) => socket.write("hello"));
    const socks = await startSocks(dialLocally(), { signal: stop.signal });
    const socket = await connectThrough(socks, { host: "h", port });
    socket.on("error", () => {});
    const closed = once(socket, "close");
    socket.resume();
    if (how === "close") await socks.close();
    else stop.abort();
    await closed;
    await expect(tcpDial({ host: "127.0.0.1", port: socks.port })).rejects.toThrow("ECONNREFUSED");
  });
});

async function rawConnection(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function logIn(socket: Socket, login: { username: string; password: string }) {
  const [name, password] = [Buffer.from(login.username), Buffer.from(login.password)];
  socket.write(Buffer.of(5, 1, 2));
  const lengthened = [Buffer.of(1, name.length), name, Buffer.of(password.length), password];
  socket.write(Buffer.concat(lengthened));
  await untilLength(socket, 4);
  expect(socket.read(4)).toEqual(Buffer.of(5, 2, 1, 0));
}

async function untilLength(socket: Socket, length: number) {
  // A listener that stays: each new one is told at once of what is there already.
  const stay = () => {};
  socket.on("readable", stay);
  while (socket.readableLength < length) await once(socket, "readable");
  socket.off("readable", stay);
}

function request(host: string, port: number): Buffer {
  const end = Buffer.alloc(2);
  end.writeUInt16BE(port);
  return Buffer.concat([Buffer.of(5, 1, 0, 3, host.length), Buffer.from(host), end]);
}
