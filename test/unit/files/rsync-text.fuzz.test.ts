import fc from "fast-check";
import { expect, it } from "vitest";
import { parseComplaints } from "../../../src/files/rsync-exit.ts";
import { type AttributesDiffer, makeItemParser } from "../../../src/files/rsync-itemized.ts";
import { makeProgressParser } from "../../../src/files/rsync-progress.ts";
import { cutAt, itHolds } from "../../support/fuzz.ts";

const places = fc.array(fc.nat(300));

const progress = fc
  .tuple(fc.nat(), fc.nat(100), fc.option(fc.nat(1000)), fc.constantFrom("\r", "\n"))
  .map(([bytes, percent, files, end]) => {
    const sent = files === null ? "" : `(xfr#${files}, to-chk=1/2)`;
    return ` ${bytes} ${percent}%  1.2MB/s  0:00:01 ${sent}${end}`;
  });

itHolds("reads the same progress, wherever the text is cut", 200, () => {
  const lines = fc.array(fc.oneof(progress, progress, fc.string()));
  return fc.property(lines, places, (texts, cuts) => {
    const text = texts.join("");
    const parse = makeProgressParser();
    const found = cutAt(text, cuts).flatMap((piece) => parse(piece) ?? []);
    expect(found.at(-1)).toEqual(makeProgressParser()(text));
  });
});

/** A path as rsync writes it: what is not printable as `\#` and three octal digits. */
function escaped(path: Buffer): string {
  const text = [...path].map((byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    return isPlain ? String.fromCharCode(byte) : `\\#${byte.toString(8).padStart(3, "0")}`;
  });
  return text.join("");
}

const name = fc
  .uint8Array({ min: 1, minLength: 1, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes))
  .filter((bytes) => !bytes.includes(0x2f));
const item = fc.record({
  path: name,
  letters: fc.stringMatching(/^[<>ch.][fdLDS][.cstpogu+]{7}$/),
  hasAcl: fc.boolean(),
  hasExtended: fc.boolean(),
});

function itemsIn(pieces: readonly string[]): AttributesDiffer[] {
  const found: AttributesDiffer[] = [];
  const parse = makeItemParser((one) => found.push(one));
  for (const piece of pieces) parse(piece);
  return found;
}

itHolds(
  "names every path whose attributes differ and no other, wherever the text is cut",
  200,
  () =>
    fc.property(fc.array(item), places, (items, cuts) => {
      const lines = items.map(({ path, letters, hasAcl, hasExtended }) => {
        const ending = letters[1] === "d" ? "/" : "";
        return `${letters}${hasAcl ? "a" : "."}${hasExtended ? "x" : "."} ${escaped(path)}${ending}\n`;
      });
      const expected = items.flatMap(({ path, hasAcl, hasExtended }) => {
        const attributes = [
          ...(hasAcl ? ["ACL"] : []),
          ...(hasExtended ? ["extended attributes"] : []),
        ];
        return attributes.length > 0 ? [{ path, attributes }] : [];
      });
      expect(itemsIn(cutAt(lines.join(""), cuts))).toEqual(expected);
    }),
);

itHolds("never throws at other lines, and reads them the same, wherever they are cut", 100, () =>
  fc.property(fc.string({ maxLength: 200 }), places, (text, cuts) => {
    expect(itemsIn(cutAt(text, cuts))).toEqual(itemsIn([text]));
  }),
);

itHolds("takes a complaint's path and reason apart, whatever the path holds", 200, () =>
  fc.property(name, fc.nat(999), (path, errno) => {
    const text = `rsync: [sender] send_files failed to open "${escaped(path)}": Permission denied (${errno})`;
    expect(parseComplaints(text)).toEqual([{ path, reason: "Permission denied", errno }]);
  }),
);

it.each([
  ["quotes", `rsync: ${'"'.repeat(4000)}`],
  ["quotes and a reason", `rsync: ${'"'.repeat(4000)}: x: (28`],
  ["quotes in an attribute", `rsync: set_acl: a(${'"'.repeat(4000)}`],
  ["commas in an attribute", `rsync: set_acl: a(${"(,".repeat(2000)}`],
  // One pattern for the whole line took longer than a test may.
])("does not dwell on a line of %s, as a path can hold", (_, text) => {
  expect(parseComplaints(text)).toEqual([]);
});
