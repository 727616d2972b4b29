import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openLocalDestination } from "../../../src/files/local-destination.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { connectTo, serveAgent } from "./receiver-rig.ts";

const { signal } = new AbortController();

it.each(["here", "behind an agent"])(
  "hashes many small files %s at once, and tells of each why it cannot be read",
  async (where) => {
    const root = tempDir();
    const local = openLocalDestination(root);
    const { open } = await serveAgent({ root });
    const destination = where === "here" ? local : (await connectTo(open)).destination;
    for (const name of ["a", "b"]) writeFileSync(join(root, name), name);
    symlinkSync("a", join(root, "link"));
    const paths = ["b", "gone", "a", "link", ".", "b"].map((name) => Buffer.from(name));
    const b = await local.hash(Buffer.from("b"));
    const a = await local.hash(Buffer.from("a"));
    const expected = [b, "ENOENT", a, "ELOOP", "E_REFUSED", b];
    expect(await destination.hashAll?.(paths, signal)).toEqual(expected);
    const stopped = AbortSignal.abort(new Error("stopped"));
    await expect(destination.hashAll?.(paths, stopped)).rejects.toThrow("stopped");
  },
);
