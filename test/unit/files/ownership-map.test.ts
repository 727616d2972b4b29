import { expect, it } from "vitest";
import { type FileEntry, rootPath } from "../../../src/files/entry.ts";
import { powersOf, promised, requirePowers } from "../../../src/files/ownership.ts";
import { mapId, rsyncMapFlags } from "../../../src/files/ownership-map.ts";

const table = [
  { from: "1000", to: 5000 },
  { from: "1000-1999", to: 5001 },
  { from: "*", to: 5009 },
  { from: "7", to: 1 },
];

it.each([
  [1000, 5000],
  [1001, 5001],
  [1999, 5001],
  [2000, 5009],
  [0, 5009],
  [7, 5009],
])("makes of %i what the first match says", (id, to) => {
  expect(mapId(id, table)).toBe(to);
});

it("keeps what nothing matches, and maps once", () => {
  const swap = [
    { from: "1", to: 2 },
    { from: "2", to: 1 },
  ];
  expect([1, 2, 3].map((id) => mapId(id, swap))).toEqual([2, 1, 3]);
  expect(mapId(5)).toBe(5);
});

it("tells rsync the table in its order", () => {
  expect(rsyncMapFlags({ users: table, groups: [] })).toEqual([
    "--usermap=1000:5000,1000-1999:5001,*:5009,7:1",
  ]);
});

const entry: FileEntry = {
  ...{ path: rootPath, type: "f", size: 0, allocated: 0, mtimeNs: 1n, ctimeNs: 2n, mode: 0o4755 },
  ...{ uid: 1000, gid: 1000, dev: 1n, ino: 1n, nlink: 1 },
};

it("promises the mapped owner, and everything else as it is", () => {
  const owners = { ownership: "map" as const, ownershipMap: { users: table, groups: [] } };
  const wanted = { uid: 5000, gid: 1000, mtimeNs: 1n };
  expect(promised(entry, owners)).toEqual({ ...wanted, mode: 0o4755 });
  expect(promised({ ...entry, type: "l" }, owners)).toEqual(wanted);
});

it("needs the powers that preserve does", () => {
  expect(() => requirePowers("map", powersOf(false, 0n))).toThrow(
    expect.objectContaining({ code: "E_PERMISSION", message: expect.stringContaining('"map"') }),
  );
});
