import { expect, it } from "vitest";
import { loadClusterRequest, loadLocalRequest, loadOwnership } from "../../../src/config/load.ts";
import { parseNetwork } from "../../../src/config/network-load.ts";
import { chooseOwnership, OwnershipMap } from "../../../src/config/ownership-map.ts";
import { asMigrationError } from "../../../src/core/errors.ts";

function refusal(work: () => unknown): unknown {
  try {
    work();
  } catch (thrown) {
    const { code, message } = asMigrationError(thrown);
    return { code, message };
  }
  return "nothing was refused";
}

it("reads the tables in rsync's words, in their order", () => {
  const flags = { ownership: "map", usermap: "1000:5000,1001-1999:5001,*:5009", groupmap: "0:7" };
  const ownershipMap = {
    users: [
      { from: "1000", to: 5000 },
      { from: "1001-1999", to: 5001 },
      { from: "*", to: 5009 },
    ],
    groups: [{ from: "0", to: 7 }],
  };
  expect(loadOwnership(flags)).toEqual({ ownership: "map", ownershipMap });
  expect(OwnershipMap.parse(ownershipMap)).toEqual(ownershipMap);
});

it.each([
  ["1000:2000", [{ from: "*", to: 1000 }], [{ from: "*", to: 2000 }]],
  ["1000:", [{ from: "*", to: 1000 }], []],
  ["1000", [{ from: "*", to: 1000 }], []],
  [":2000", [], [{ from: "*", to: 2000 }]],
])("takes --chown %s for all", (chown, users, groups) => {
  const { ownershipMap } = loadOwnership({ ownership: "map", chown });
  expect(ownershipMap).toEqual({ users, groups });
});

it("takes --chown for what no table names", () => {
  const { ownershipMap } = loadOwnership({ ownership: "map", chown: ":7", usermap: "1:2" });
  expect(ownershipMap).toEqual({ users: [{ from: "1", to: 2 }], groups: [{ from: "*", to: 7 }] });
});

it.each([
  ["jane:5", 1, "jane:5"],
  ["1:2,3", 2, "3"],
  ["1:2,", 2, ""],
  ["1:2,9-3:4", 2, "9-3:4"],
  ["1:*", 1, "1:*"],
  ["1:2:3", 1, "1:2:3"],
  ["1:4294967295", 1, "1:4294967295"],
  ["4294967295:1", 1, "4294967295:1"],
  ["1-:2", 1, "1-:2"],
  ["10*:2", 1, "10*:2"],
])("refuses the table %j and says which entry it is", (usermap, at, entry) => {
  expect(refusal(() => loadOwnership({ ownership: "map", usermap }))).toEqual({
    code: "E_USAGE",
    message: `--usermap must be FROM:TO[,FROM:TO] in numeric ids, where FROM may be a range N-M or *; entry ${at} is "${entry}"`,
  });
});

it.each(["", ":", "jane:x", "1:2:3", "1:x", "4294967295:1"])("refuses --chown %j", (chown) => {
  expect(refusal(() => loadOwnership({ ownership: "map", chown }))).toEqual({
    code: "E_USAGE",
    message: "--chown must be UID:GID in numeric ids, or one of them as UID: or :GID",
  });
});

it.each<[object, string]>([
  [{ ownership: "map" }, 'The ownership mode "map" needs a table'],
  [{ usermap: "1:2" }, '--usermap needs the ownership mode "map"'],
  [
    { ownership: "preserve", groupmap: "1:2", chown: "1:" },
    '--groupmap, --chown needs the ownership mode "map"',
  ],
  [
    { ownership: "map", usermap: "1:2", chown: "1:" },
    "--usermap and the user of --chown exclude each other",
  ],
  [
    { ownership: "map", groupmap: "1:2", chown: "1:3" },
    "--groupmap and the group of --chown exclude each other",
  ],
])("refuses %j", (flags, message) => {
  expect(refusal(() => loadOwnership(flags))).toEqual({ code: "E_USAGE", message });
  const folders = { migrationType: "files", "source-dir": "/a", "dest-dir": "/d" };
  expect(refusal(() => loadLocalRequest({ ...folders, ...flags }))).toEqual({
    code: "E_USAGE",
    message,
  });
});

it("lets flags go over the network config", () => {
  const config = { ownership: "map", usermap: "1:2", groupmap: "3:4" } as const;
  const table = { users: [{ from: "1", to: 2 }], groups: [{ from: "3", to: 4 }] };
  expect(chooseOwnership({}, config)).toEqual({ ownership: "map", ownershipMap: table });
  expect(chooseOwnership({ ownership: "map" }, config).ownershipMap).toEqual(table);
  expect(chooseOwnership({ ownership: "inherit" }, config)).toEqual({ ownership: "inherit" });
  expect(chooseOwnership(loadClusterRequest({ usermap: "7:8" }), config).ownershipMap).toEqual({
    users: [{ from: "7", to: 8 }],
    groups: [],
  });
  expect(refusal(() => chooseOwnership({}, { usermap: "1:2" }))).toEqual({
    code: "E_USAGE",
    message: 'destination.usermap needs the ownership mode "map"',
  });
});

it("refuses a malformed table of a network config at its place", () => {
  const text = `source: { cluster: {} }
destination:
  cluster: {}
  ownership: map
  usermap: "1:2,x"
`;
  const problems = (() => {
    try {
      return parseNetwork(text, "network.yaml");
    } catch (thrown) {
      return asMigrationError(thrown).fields["problems"];
    }
  })();
  expect(problems).toEqual([
    expect.stringMatching(/^network.yaml:5:\d+: destination\.usermap: .*entry 2 is "x"$/),
  ]);
});
