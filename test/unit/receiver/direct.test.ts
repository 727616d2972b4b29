import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AgentReceiver } from "../../../src/receiver/connect-receiver.ts";
import { openDirect } from "../../../src/receiver/direct-client.ts";
import { type PreferDirectOptions, preferDirect } from "../../../src/receiver/prefer-direct.ts";
import { connectTo, serveAgent, silent } from "./receiver-rig.ts";

const host = "127.0.0.1";

function collectLog() {
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, log, messages: () => lines.map(({ msg }) => msg) };
}

describe("the listener for direct connections", () => {
  it("takes who has the key, and is the same when asked again", async () => {
    const { open } = await serveAgent();
    const receiver = await connectTo(open);
    const key = randomBytes(32);
    const port = await receiver.listen(key, 0);
    expect(await receiver.listen(key, 0)).toBe(port);
    const direct = await connectTo(() => openDirect({ host, port, key }));
    expect(await direct.destination.names()).toEqual([]);
  });

  it("refuses another key, no key, and no TLS, and says so in the log", async () => {
    const { log, messages } = collectLog();
    const { open } = await serveAgent({ log });
    const port = await (await connectTo(open)).listen(randomBytes(32), 0);
    const wrong = openDirect({ host, port, key: randomBytes(32) });
    await expect(wrong).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
    const without = connectTls({ host, port, rejectUnauthorized: false });
    await expect(once(without, "secureConnect")).rejects.toThrow();
    const plain = connect(port, host).on("error", () => undefined);
    plain.end("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await buffer(plain).catch(() => undefined);
    await expect
      .poll(() => messages().filter((text) => text === "Refused a connection without the key"))
      .toHaveLength(3);
  });

  it("takes another key in the place of the first", async () => {
    const { open } = await serveAgent();
    const receiver = await connectTo(open);
    const first = randomBytes(32);
    const second = randomBytes(32);
    const before = await receiver.listen(first, 0);
    const port = await receiver.listen(second, 0);
    await expect(openDirect({ host, port: before, key: first })).rejects.toThrow();
    (await openDirect({ host, port, key: second })).destroy();
  });

  it("says that its port is taken, and can be asked again", async () => {
    const { open } = await serveAgent();
    const receiver = await connectTo(open);
    const blocked = createServer().listen(0);
    await once(blocked, "listening");
    onTestFinished(() => void blocked.close());
    const { port } = blocked.address() as { port: number };
    await expect(receiver.listen(randomBytes(32), port)).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: `Cannot listen on port ${port}: EADDRINUSE`,
    });
    expect(await receiver.listen(randomBytes(32), 0)).toBeGreaterThan(0);
  });
});

describe("preferring the direct way", () => {
  async function prefer(
    open: Parameters<typeof preferDirect>[0],
    more: Partial<PreferDirectOptions>,
  ) {
    const options = { label: "receiver", log: silent, host: () => host, port: 0, ...more };
    const receiver = await preferDirect(open, options);
    onTestFinished(() => receiver.close());
    return receiver;
  }
  const names = async ({ destination }: AgentReceiver) => await destination.names();

  it("goes directly where that works, and leaves the control connection", async () => {
    const { log, messages } = collectLog();
    const { open, connections } = await serveAgent();
    const receiver = await prefer(open, { log });
    expect(await names(receiver)).toEqual([]);
    expect(messages()).toContain("The receiver is reached directly");
    expect(receiver.route()).toEqual({ name: "direct" });
    expect(connections).toHaveLength(1);
    await expect.poll(() => connections[0]?.destroyed).toBe(true);
  });

  it("stays with the control connection where the port is not reached, and says why", async () => {
    const { lines, log } = collectLog();
    const { open, connections } = await serveAgent();
    const receiver = await prefer(open, { log, host: () => "nowhere.invalid" });
    expect(await names(receiver)).toEqual([]);
    expect(lines).toMatchObject([
      { msg: "The receiver is reached through the API", reason: expect.stringMatching(/nowhere/) },
    ]);
    expect(receiver.route()).toEqual({ name: "exec", reason: expect.stringMatching(/nowhere/) });
    expect(connections).toHaveLength(1);
  });

  it("takes the control connection when the direct one breaks and cannot be made again", async () => {
    const { log, messages } = collectLog();
    const { open, connections } = await serveAgent();
    const made: Duplex[] = [];
    let isBlocked = false;
    const connectDirectly: typeof openDirect = async (target, signal) => {
      if (isBlocked) throw new Error("a network policy came");
      const duplex = await openDirect(target, signal);
      made.push(duplex);
      return duplex;
    };
    const receiver = await prefer(open, { log, connect: connectDirectly });
    isBlocked = true;
    made[0]?.destroy();
    expect(await names(receiver)).toEqual([]);
    expect(messages()).toContain("The receiver is reached through the API");
    expect(receiver.route()).toEqual({ name: "exec", reason: "a network policy came" });
    expect(connections).toHaveLength(2);
  });

  it("goes on directly after a break where that still works", async () => {
    const { open, connections } = await serveAgent();
    const made: Duplex[] = [];
    const connectDirectly: typeof openDirect = async (...target) => {
      const duplex = await openDirect(...target);
      made.push(duplex);
      return duplex;
    };
    const receiver = await prefer(open, { connect: connectDirectly });
    for (const expected of [2, 3]) {
      made.at(-1)?.destroy();
      expect(await names(receiver)).toEqual([]);
      expect(made).toHaveLength(expected);
    }
    // A way that breaks again and again is left.
    made.at(-1)?.destroy();
    expect(await names(receiver)).toEqual([]);
    expect(made).toHaveLength(3);
    expect(connections).toHaveLength(2);
  });

  it("hands its key to the receiver that came in the place of a dead one", async () => {
    const first = await serveAgent();
    const second = await serveAgent();
    let serving = first;
    let address = host;
    const made: Duplex[] = [];
    const connectDirectly: typeof openDirect = async (...target) => {
      const duplex = await openDirect(...target);
      made.push(duplex);
      return duplex;
    };
    const receiver = await prefer(() => serving.open(), {
      host: () => address,
      only: true,
      connect: connectDirectly,
    });
    serving = second;
    address = "127.0.0.2";
    await first.agent.close();
    made[0]?.destroy();
    expect(await names(receiver)).toEqual([]);
    expect(receiver.route()).toEqual({ name: "direct" });
    expect(second.connections).toHaveLength(1);
    await expect.poll(() => second.connections[0]?.destroyed).toBe(true);
  });

  it("throws where only the direct way is wanted", async () => {
    const { open } = await serveAgent();
    const receiver = prefer(open, { host: () => "nowhere.invalid", only: true });
    await expect(receiver).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: expect.stringContaining("cannot be reached directly"),
    });
  });
});
