import { once } from "node:events";
import fc from "fast-check";
import { expect, it } from "vitest";
import { channels, closeFrame, framesOf, readFrame } from "../../../src/kube/channel-frames.ts";
import { makeChannelGate } from "../../../src/kube/channel-gate.ts";
import { exitCodeOf } from "../../../src/kube/exit-status.ts";

it("puts any chunks into frames that give the same bytes", () => {
  const chunks = fc.array(
    fc.oneof(fc.uint8Array({ maxLength: 9 }), fc.constant(new Uint8Array(300_000).fill(7))),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(chunks, (parts) => {
      const buffers = parts.map((part) => Buffer.from(part));
      const frames = [...framesOf(channels.stdin, buffers)].map(readFrame);
      // Comparing by the matcher takes seconds for a megabyte.
      const joined = Buffer.concat(frames.map(({ data }) => data));
      expect(joined.equals(Buffer.concat(buffers))).toBe(true);
      for (const { channel, data } of frames) {
        expect(channel).toBe(0);
        expect(data.length).toBeGreaterThan(0);
        expect(data.length).toBeLessThanOrEqual(256 * 1024);
      }
    }),
  );
});

it("puts small chunks into one frame", () => {
  const frames = [...framesOf(0, [Buffer.from("a"), Buffer.alloc(0), Buffer.from("b")])];
  expect(frames).toEqual([Buffer.from("\0ab")]);
});

it("closes a channel as v5 has it", () => {
  expect(closeFrame(channels.stdin)).toEqual(Buffer.of(255, 0));
});

it("pauses the source while any of the streams is full", async () => {
  const calls: string[] = [];
  const gate = makeChannelGate({
    pause: () => calls.push("pause"),
    resume: () => calls.push("resume"),
  });
  const [one, other] = [gate.makeStream(), gate.makeStream()];
  for (const stream of [one, other]) gate.push(stream, Buffer.alloc(300_000));
  gate.push(one, Buffer.alloc(300_000));
  expect(calls).toEqual(["pause"]);
  one.resume();
  await once(one, "data");
  expect(calls).toEqual(["pause"]);
  other.destroy();
  await once(other, "close");
  expect(calls).toEqual(["pause", "resume"]);
  gate.push(other, Buffer.alloc(300_000));
  expect(calls).toEqual(["pause", "resume"]);
});

it.each([
  [{ status: "Success" }, 0],
  [{ status: "Failure", ...exit("1") }, 1],
  [{ status: "Failure", ...exit("137") }, 137],
])("reads the exit code in %o", (status, code) => {
  expect(exitCodeOf(JSON.stringify(status), "pod")).toBe(code);
});

function exit(message: string) {
  return { reason: "NonZeroExitCode", details: { causes: [{ reason: "ExitCode", message }] } };
}

it.each([
  ["", 'The end of a command in pod "one" is not understood'],
  ['{"status":', 'The end of a command in pod "one" is not understood'],
  ["{}", 'Cannot run a command in pod "one": no reason is given'],
  [
    JSON.stringify({ status: "Failure", reason: "NonZeroExitCode", message: "odd" }),
    'Cannot run a command in pod "one": odd',
  ],
  [JSON.stringify({ status: "Failure", ...exit("") }), "Cannot run a command"],
])("takes no status %j for a success", (text, message) => {
  expect(() => exitCodeOf(text, 'pod "one"')).toThrow(message);
});

it("takes a container that ended since for one that may come again", () => {
  const message =
    'Internal error occurred: unable to upgrade connection: container not found ("manager")';
  const text = JSON.stringify({ status: "Failure", reason: "InternalError", message });
  expect(() => exitCodeOf(text, 'pod "one"')).toThrow(
    expect.objectContaining({ code: "E_UNAVAILABLE" }),
  );
});
