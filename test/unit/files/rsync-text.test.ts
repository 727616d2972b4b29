import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorCodes } from "../../../src/core/errors.ts";
import {
  parseComplaints,
  rsyncExit,
  rsyncExits,
  saysNoSpace,
} from "../../../src/files/rsync-exit.ts";
import { makeItemParser } from "../../../src/files/rsync-itemized.ts";
import { makeProgressParser } from "../../../src/files/rsync-progress.ts";

describe("progress of rsync", () => {
  it("reads bytes, percent and files", () => {
    const parse = makeProgressParser();
    expect(parse("   32,768   0%\r")).toBeUndefined();
    expect(parse("      1234  12%  1.2MB/s    0:00:01 \r")).toEqual({
      bytes: 1234,
      percent: 12,
      files: 0,
    });
    expect(parse("      5678  99%  1.2MB/s    0:00:01 (xfr#3, to-chk=2/9)\r")).toMatchObject({
      files: 3,
    });
    expect(parse("      9999  99%  1.2MB/s    0:00:01 \r")).toMatchObject({ files: 3 });
  });

  it("reads lines that arrive in pieces", () => {
    const parse = makeProgressParser();
    expect(parse("   12")).toBeUndefined();
    expect(parse("34  12%  1.2MB/s  0:00:01 \r ")).toMatchObject({ bytes: 1234 });
  });

  it("never throws and never passes 100 % or the safe integers, whatever comes", () => {
    const number = fc.bigInt({ min: -5n, max: 10n ** 25n }).map(String);
    const line = fc
      .tuple(number, number, number)
      .map(
        ([bytes, percent, files]) =>
          ` ${bytes} ${percent}% 1kB/s 0:00 (xfr#${files}, to-chk=1/2)\r`,
      );
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), line)), (pieces) => {
        const parse = makeProgressParser();
        let files = 0;
        for (const piece of pieces) {
          const progress = parse(piece);
          if (progress === undefined) continue;
          expect(progress.percent).toBeGreaterThanOrEqual(0);
          expect(progress.percent).toBeLessThanOrEqual(100);
          expect(Number.isSafeInteger(progress.bytes)).toBe(true);
          expect(progress.files).toBeGreaterThanOrEqual(files);
          files = progress.files;
        }
      }),
    );
  });
});

it("reads which ACLs and extended attributes differ, from lines that arrive in pieces", () => {
  const items: unknown[] = [];
  const parse = makeItemParser(({ path, attributes }) => items.push([`${path}`, ...attributes]));
  parse(".f.......a. a\\#012b\n.d........x ./\nhf.......ax c d\n>f+++++++++ new\n>f.st......");
  parse(" other\n.d..t...... times/\ncannot delete .f.......a. x\n");
  expect(items).toEqual([
    ["a\nb", "ACL"],
    [".", "extended attributes"],
    ["c d", "ACL", "extended attributes"],
  ]);
});

describe("complaints of rsync", () => {
  it("gives path, reason and number of each line about a file", () => {
    const text = [
      'rsync: [sender] send_files failed to open "/src/a \\#012b\\#351": Permission denied (13)',
      'rsync: [receiver] write failed on "/dst/x": No space left on device (28)',
      "rsync error: some files/attrs were not transferred (code 23) at main.c(1338) [sender=3.4]",
    ].join("\n");
    const found = parseComplaints(text);
    expect(found).toEqual([
      {
        path: Buffer.from("/src/a \nb\xe9", "latin1"),
        reason: "Permission denied",
        errno: 13,
      },
      { path: Buffer.from("/dst/x"), reason: "No space left on device", errno: 28 },
    ]);
    expect(saysNoSpace(found)).toBe(true);
    expect(saysNoSpace(found.slice(0, 1))).toBe(false);
  });

  it.each([
    ["[generator] set_acl: sys_acl_set_file(a,b, ACL_TYPE_DEFAULT): Not supported", "a,b", "ACL"],
    ["[receiver] set_acl: xacl_set(.f.19sQQF, ACL_TYPE_ACCESS): Not supported", ".f.19sQQF", "ACL"],
    [
      '[receiver] rsync_xal_set: fsetxattr("/d/.g.yeZg","user.a") failed: Not supported',
      ...["/d/.g.yeZg", "extended attributes"],
    ],
  ])("tells what could not be set: %s", (text, path, attribute) => {
    const found = parseComplaints(`rsync: ${text} (28)`);
    expect(found).toEqual([
      { path: Buffer.from(path), reason: "Not supported", errno: 28, attribute },
    ]);
    expect(saysNoSpace(found)).toBe(false);
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseComplaints(text))));
  });
});

it("gives every exit code a meaning and a known error code, also those without documentation", () => {
  for (const code of [...Object.keys(rsyncExits).map(Number), 77, -1]) {
    const { meaning, code: name } = rsyncExit(code);
    expect(meaning).not.toBe("");
    expect(errorCodes).toHaveProperty(name);
  }
});
