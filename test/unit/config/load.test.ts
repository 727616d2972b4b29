import { resolve } from "node:path";
import { expect, it } from "vitest";
import {
  loadClusterRequest,
  loadLocalRequest,
  loadVerifyMode,
  workDirOf,
} from "../../../src/config/load.ts";
import { options } from "../../../src/config/options.ts";
import type { Options } from "../../../src/core/option.ts";

const flags = {
  "source-dir": "/a",
  "source-uri-file": "a.uri",
  "dest-dir": "/d",
  "dest-uri-file": "/d.uri",
};

it("fills in the defaults, the ones that the help tells", () => {
  const request = loadLocalRequest(flags);
  expect(request).toEqual({
    ...flags,
    "source-uri-file": resolve("a.uri"),
    migrationType: "full",
    application: "mvi",
    user: [],
    "project-group": [],
    prune: false,
    overlap: false,
    profile: false,
    "include-references": false,
    "include-collection": [],
    "include-path": [],
    "on-conflict": "keep-destination",
    verify: "written",
    compression: "deflate",
    after: "list",
    "force-db": false,
    rerun: false,
  });
  const table: Options = options;
  for (const [name, value] of Object.entries(request)) {
    const told = table[name]?.default;
    if (told !== undefined) expect({ [name]: value }).toEqual({ [name]: told });
  }
});

it.each<[string, Record<string, unknown>, string]>([
  [
    "nothing at all",
    {},
    "--source-dir is needed; --dest-dir is needed; --source-uri-file is needed to move documents; --dest-uri-file is needed to move documents",
  ],
  [
    "files without folders",
    { migrationType: "files" },
    "--source-dir is needed; --dest-dir is needed",
  ],
  [
    "a user's files without the database",
    { migrationType: "files", "source-dir": "/a", "dest-dir": "/d", user: ["jane"] },
    "--source-uri-file is needed to tell which files belong to the scope",
  ],
  [
    "a rate that is none",
    { ...flags, bwlimit: "slow" },
    '--bwlimit must be like 500, 500K or 1.5M, not "slow"',
  ],
  [
    "a name that cannot be a folder's",
    { ...flags, name: "../x" },
    "--name must be lower-case letters, digits and dashes",
  ],
  [
    "a time that is none",
    { ...flags, "retry-timeout": "soon" },
    '--retry-timeout must be like 90s, 5m or 4h, not "soon"',
  ],
  [
    "a verify mode that is none",
    { ...flags, verify: "all" },
    '--verify must be written, full, none or a sample such as sample=1%, not "all"',
  ],
])("tells all that is wrong with %s at once", (_, given, message) => {
  expect(() => loadLocalRequest(given)).toThrow(
    expect.objectContaining({ code: "E_USAGE", message }),
  );
});

it.each([
  ["written", "written"],
  ["full", "full"],
  ["none", "none"],
  ["sample=1%", { sample: 0.01 }],
  ["sample=0.5%", { sample: 0.005 }],
  ["sample=100%", { sample: 1 }],
])("reads --verify %s", (text, mode) => {
  expect(loadVerifyMode(text)).toEqual(mode);
});

it("reads how long a server is waited for", () => {
  const patient = { ...flags, "retry-timeout": "2h", "wait-lock": "10m" };
  expect(loadLocalRequest(patient)).toMatchObject({ "retry-timeout": 7200, "wait-lock": 600 });
});

it.each(["", "sample=0%", "sample=101%", "sample=-1%", "sample=1", "sample=%", "FULL"])(
  "refuses --verify %j",
  (text) => {
    expect(() => loadVerifyMode(text)).toThrow(expect.objectContaining({ code: "E_USAGE" }));
  },
);

it("puts the work below the source unless it is put elsewhere", () => {
  expect([workDirOf("/a", undefined), workDirOf("/a", "/w")]).toEqual(["/a/logs/migrations", "/w"]);
});

it.each([
  [{ "on-conflict": "fail" }, "--on-conflict fail"],
  [{ migrationType: "files" }, "of which none are moved"],
])("refuses --overlap with %o", (others, words) => {
  expect(() => loadLocalRequest({ ...flags, ...others, overlap: true })).toThrow(words);
  expect(() => loadClusterRequest({ ...others, overlap: true })).toThrow(words);
});
