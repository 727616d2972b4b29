import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { pino } from "pino";
import { expect, it } from "vitest";
import type { Dial } from "../../../src/core/dial.ts";
import { chooseLink, type LinkWays } from "../../../src/manager/link/choose-link.ts";
import type { links } from "../../../src/plan/endpoint.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { startServer } from "./link-rig.ts";

const works: Dial = async () => new Duplex({ read() {}, write() {} });
const fails: Dial = async ({ host, port }) => {
  throw new Error(`nobody at ${host} port ${port}`);
};

interface Options {
  ways?: LinkWays;
  asked?: (typeof links)[number];
  signal?: AbortSignal;
}

async function choose(uri: string, { ways = {}, asked = "auto", signal }: Options = {}) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, uri);
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line) => void lines.push(line) });
  const options = { ways, log, signal: signal ?? new AbortController().signal };
  const chosen = await chooseLink(asked, { uriFile, database: "app" }, options);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ link: chosen.link, reason: chosen.reason });
  return chosen;
}

/** Nothing resolves names under .invalid (RFC 6761). */
const elsewhere = "mongodb://u:p@m0.invalid:27018,m1.invalid/?replicaSet=rs";

it("is direct where any host can be reached from here", async () => {
  const port = await startServer((socket) => socket.end());
  const chosen = await choose(`mongodb://m0.invalid:1,127.0.0.1:${port}/`, {
    ways: { relay: works },
  });
  expect(chosen).toMatchObject({ link: "direct", dial: undefined });
});

it("is the relay where the name is not known here, with that as its reason", async () => {
  const chosen = await choose(elsewhere, { ways: { relay: works, "port-forward": works } });
  expect(chosen).toMatchObject({ link: "relay", dial: works });
  expect(chosen.reason).toMatch(/^direct: m0\.invalid:27018: .*m0\.invalid.*, m1\.invalid:27017: /);
});

it("is the port-forward where there is no relay, or it reaches nobody either", async () => {
  const without = await choose(elsewhere, { ways: { "port-forward": works } });
  expect(without).toMatchObject({ link: "port-forward", dial: works });
  const failing = await choose(elsewhere, { ways: { relay: fails, "port-forward": works } });
  expect(failing.link).toBe("port-forward");
  expect(failing.reason).toContain("relay: m0.invalid:27018: nobody at m0.invalid port 27018");
});

it("gets each host and port of the URI", async () => {
  const asked: string[] = [];
  const dial: Dial = async ({ host, port }) => {
    asked.push(`${host} ${port}`);
    throw new Error("no");
  };
  const chosen = choose("mongodb://[::1]:1,m0.invalid/", { ways: { relay: dial } });
  await expect(chosen).rejects.toThrow();
  expect(asked.sort()).toEqual(["::1 1", "m0.invalid 27017"]);
});

it("fails with every reason where no link reaches it", async () => {
  const chosen = choose(elsewhere, { ways: { relay: fails, "port-forward": fails } });
  await expect(chosen).rejects.toMatchObject({
    code: "E_UNAVAILABLE",
    message: 'No link reaches the database at "m0.invalid:27018,m1.invalid"',
    hint: expect.stringMatching(/direct: .*; relay: m0.*nobody.*; port-forward: m0.*nobody/),
  });
});

it.each(["mongodb+srv://cluster.invalid/", "mongodb://%2Ftmp%2Fmongodb.sock/"])(
  "is direct for %s, which no link can lead",
  async (uri) => {
    const chosen = await choose(uri, { ways: { relay: works } });
    expect(chosen).toMatchObject({ link: "direct", reason: expect.stringContaining("Only") });
  },
);

it("is what was asked for, untried", async () => {
  const ways = { relay: fails, "port-forward": fails };
  for (const asked of ["direct", "relay", "port-forward"] as const) {
    expect(await choose(elsewhere, { asked, ways })).toMatchObject({ link: asked });
  }
  const absent = choose(elsewhere, { asked: "relay" });
  await expect(absent).rejects.toMatchObject({ code: "E_CONFIG" });
});

it("can be stopped", async () => {
  const stop = new AbortController();
  const stopping: Dial = async () => {
    stop.abort();
    throw new Error("stopped");
  };
  const chosen = choose(elsewhere, { ways: { relay: stopping }, signal: stop.signal });
  await expect(chosen).rejects.toThrow(/abort/);
});
