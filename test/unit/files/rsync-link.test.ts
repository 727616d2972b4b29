import { once } from "node:events";
import { Duplex, PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { makeRsyncLink } from "../../../src/files/rsync-link.ts";

const { signal } = new AbortController();

/** An rsync's shell has written its words, and waits. */
async function join(ended: (left: AbortSignal) => Promise<{ exitCode: number; stderr: string }>) {
  const link = makeRsyncLink(
    async (_, left) => ({
      stream: new Duplex({ read() {}, write: (_piece, _encoding, done) => done() }),
      ended: ended(left),
    }),
    { signal, patienceMs: 50 },
  );
  const [fromShell, toShell] = [new PassThrough(), new PassThrough()];
  link.channel(fromShell, toShell);
  fromShell.write("1\0--server\0");
  return await link.end();
}

it("does not take its own leaving of an end that hangs for a broken connection", async () => {
  const left = new MigrationError("E_INTERRUPTED", "The command was left before its end");
  const end = await join(async (leaving) => {
    await once(leaving, "abort");
    throw left;
  });
  expect(end).toEqual({});
});

it("tells how a connection broke by itself", async () => {
  const lost = new MigrationError("E_UNAVAILABLE", "The connection broke");
  expect(await join(() => Promise.reject(lost))).toEqual({ lost });
});

it("tells how the other end ended", async () => {
  const told = { exitCode: 12, stderr: "words" };
  expect(await join(async () => told)).toEqual(told);
});
