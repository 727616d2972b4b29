import type { Removal } from "../../files/destination.ts";
import { notRemoved, whyKept } from "../../files/remove.ts";
import { inPieces } from "../in-pieces.ts";
import { readReasons } from "./place.ts";
import * as scripts from "./scripts.ts";
import { callIn, type ShellRoot } from "./shell-root.ts";
import { look } from "./tree.ts";

type Reason = string | undefined;

/** Looks at each name, and removes what still is as it is to be. */
export async function remove(at: ShellRoot, all: readonly Removal[]): Promise<Reason[]> {
  return await inPieces(
    all,
    ({ path }) => path,
    async (removals) => {
      const looks = await look(
        at,
        removals.map(({ path }) => path),
      );
      const kept = removals.map((one, index) => whyKept(one, looks[index] ?? { state: "absent" }));
      const going = removals.filter((_, index) => kept[index] === undefined);
      const gone = (await removeSome(at, going)).values();
      return kept.map((reason) => reason ?? gone.next().value);
    },
  );
}

async function removeSome(at: ShellRoot, removals: readonly Removal[]): Promise<Reason[]> {
  if (removals.length === 0) return [];
  const { script, some } = scripts.remove;
  const input = Buffer.concat(removals.map(removalItem));
  const { stdout } = await callIn(at, { script, args: [some], input, what: "remove files" });
  return readReasons(stdout.toString("latin1"), removals.length, notRemoved);
}

function removalItem({ path, type }: Removal): Buffer {
  return Buffer.concat([Buffer.from(`${type}:./`), path, Buffer.alloc(1)]);
}
