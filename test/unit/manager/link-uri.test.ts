import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MongoClient } from "mongodb";
import { describe, expect, it, vi } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { redactText } from "../../../src/core/secrets.ts";
import { requireSocks, withLink } from "../../../src/manager/link/with-link.ts";
import { openLegacy } from "../../../src/mongo/connect-legacy.ts";
import { addUriOptions, hasUriOption } from "../../../src/mongo/uri.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { dialLocally } from "./link-rig.ts";

function refTo(uri: string) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, `${uri}\n`, { mode: 0o600 });
  return { uriFile, database: "app" };
}

function linkFolders(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("migmgr-link-"));
}

/** Runs `withLink` with its temporary files where they can be seen. */
async function linked(uri: string) {
  const folder = tempDir();
  vi.stubEnv("TMPDIR", folder);
  const seen = await withLink(refTo(uri), dialLocally(), {}, async ({ ref }) => ({
    ref,
    uri: readFileSync(ref.uriFile, "utf8"),
    during: linkFolders(folder).length,
    modes: [ref.uriFile, dirname(ref.uriFile)].map((path) => statSync(path).mode & 0o777),
  }));
  return { ...seen, left: linkFolders(folder) };
}

describe("the URI of a link", () => {
  it.each([
    ["mongodb://h", "mongodb://h/?"],
    ["mongodb://h/", "mongodb://h/?"],
    ["mongodb://h/db", "mongodb://h/db?"],
    ["mongodb://h/?", "mongodb://h/?"],
    ["mongodb://h?tls=true", "mongodb://h?tls=true&"],
    [
      "mongodb://u%40x:p%40%3A%2F%20%24%26@h1:1,h2:2,[::1]:3/db?replicaSet=rs&tls=true",
      "mongodb://u%40x:p%40%3A%2F%20%24%26@h1:1,h2:2,[::1]:3/db?replicaSet=rs&tls=true&",
    ],
  ])("%s keeps all that it says", async (uri, start) => {
    const { uri: given, ref } = await linked(uri);
    expect(given).toMatch(/&proxyUsername=[\w-]{32}&proxyPassword=[\w-]{32}$/);
    expect(given.slice(0, given.indexOf("proxyPort="))).toBe(`${start}proxyHost=127.0.0.1&`);
    expect(ref.database).toBe("app");
    const [one, other] = [new MongoClient(uri).options, new MongoClient(given).options];
    expect(other.hosts).toEqual(one.hosts);
    expect(other.credentials).toEqual(one.credentials);
    expect(other.replicaSet).toBe(one.replicaSet);
    expect(other.proxyPort).toBeGreaterThan(0);
    expect(redactText(given)).toContain("proxyPassword=***");
  });

  it("is for its owner alone, and is gone afterwards", async () => {
    const { modes, ref, during, left } = await linked("mongodb://h/");
    expect(modes.map((mode) => mode.toString(8))).toEqual(["600", "700"]);
    expect(existsSync(ref.uriFile)).toBe(false);
    expect(during).toBe(1);
    expect(left).toEqual([]);
  });

  it("is gone as well when the work fails, whose error stays", async () => {
    const folder = tempDir();
    vi.stubEnv("TMPDIR", folder);
    const failure = new MigrationError("E_UNAVAILABLE", "nobody was dialled");
    const work = withLink(refTo("mongodb://h/"), dialLocally(), {}, () => Promise.reject(failure));
    await expect(work).rejects.toBe(failure);
    expect(linkFolders(folder)).toEqual([]);
  });

  it.each([
    ["mongodb+srv://u:p@cluster.example.test/", /looks up the hosts .* from here/],
    ["mongodb://u:p@%2Ftmp%2Fmongodb.sock/", /socket file/],
    ["mongodb://h/?PROXYHOST=p&proxyPort=1", /names a proxy/],
  ])("is refused for %s", async (uri, says) => {
    const folder = tempDir();
    vi.stubEnv("TMPDIR", folder);
    const work = withLink(refTo(uri), dialLocally(), {}, () => Promise.resolve());
    await expect(work).rejects.toMatchObject({
      code: "E_URI",
      message: expect.stringMatching(says),
    });
    expect(linkFolders(folder)).toEqual([]);
  });
});

it("percent-encodes the values of options", () => {
  expect(addUriOptions("mongodb://h/", { a: "b&c" })).toBe("mongodb://h/?a=b%26c");
});

it.each([
  ["mongodb://h/?a=1&proxyHost=x", true],
  ["mongodb://h/?a=proxyHost", false],
  ["mongodb://h/proxyHost", false],
])("tells whether %s names an option", (uri, expected) => {
  expect(hasUriOption(uri, "proxyHost")).toBe(expected);
});

it("says which package is missing before the driver would say that nobody answers", async () => {
  const name = "a-package-that-is-not-there";
  const missing = requireSocks(() => import(name));
  await expect(missing).rejects.toMatchObject({
    code: "E_PROGRAM",
    message: expect.stringContaining('"socks" is missing'),
  });
  await requireSocks();
});

it("refuses a proxy with the old driver, which would connect directly instead", async () => {
  const uri = "mongodb://127.0.0.1:9/?proxyHost=127.0.0.1&proxyPort=9";
  const opened = openLegacy({ uri, hosts: "127.0.0.1:9" }, "app", 8);
  await expect(opened).rejects.toMatchObject({
    code: "E_URI",
    message: expect.stringContaining("knows no proxy"),
  });
});
