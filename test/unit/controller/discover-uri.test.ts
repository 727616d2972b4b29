import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, describe, expect, it } from "vitest";
import { clusterAccessOf } from "../../../src/controller/discover/cluster-access.ts";
import {
  connectionUriOf,
  readDatabaseCredentials,
} from "../../../src/controller/discover/connection-uri.ts";
import type { DiscoveredDatabase } from "../../../src/controller/discover/discovered.ts";
import { readCredential } from "../../../src/controller/discover/read-credential.ts";
import { redactText } from "../../../src/core/secrets.ts";
import { makeSelfSigned } from "../../support/certificates.ts";
import { fakeCluster } from "../../support/fake-cluster.ts";
import { makeDir, removeTree, tempDir } from "../../support/temp-dir.ts";

const from = "test";
const base: DiscoveredDatabase = {
  name: { value: "DLAAS", from },
  hosts: { value: ["vision-mongodb.default.svc:27017"], from },
  service: { name: "vision-mongodb", port: 27017 },
  pods: [],
  isExternal: false,
  login: { username: { value: "admin", from }, authSource: { value: "DLAAS", from } },
};

function uriOf(changes: Partial<DiscoveredDatabase>, credentials: object): string {
  const database = { ...base, ...changes };
  return connectionUriOf({ side: "source", database }, credentials, {
    ca: "/run/ca.pem",
    client: "/run/client.pem",
  });
}

describe("the URI of a discovered database", () => {
  it.each([
    "canary-p@ss:w/ord $1 &x",
    "100%?#[]",
    "%40",
    "ünïcödé…",
    "!'()*;=+,",
    'back\\slash"quote',
  ])("holds the password %j so that the driver reads the same", (password) => {
    const uri = uriOf({}, { password });
    const { options } = new MongoClient(uri);
    expect(options.credentials).toMatchObject({ username: "admin", password, source: "DLAAS" });
    expect(options.hosts.map(String)).toEqual(["vision-mongodb.default.svc:27017"]);
    expect(redactText(`it is ${password}, as in ${uri}`)).not.toContain(
      encodeURIComponent(password),
    );
    expect(redactText(password)).toBe("***");
  });

  it("holds user names as they are, replica set and TLS", () => {
    const hosts = { value: ["a.example:27017", "b.example:27018"], from };
    const login = { username: { value: "CN=x@y/z", from }, authSource: { value: "admin", from } };
    const tls = { ca: { file: "/db.pem" }, allowInvalidCertificates: false };
    const changes = { hosts, login, tls, isExternal: true, replicaSet: "rs0" };
    const uri = uriOf(changes, { password: "secret", ca: "PEM", client: "PEM" });
    expect(uri).toBe(
      "mongodb://CN%3Dx%40y%2Fz:secret@a.example:27017,b.example:27018/?tls=true&tlsCAFile=%2Frun%2Fca.pem&tlsCertificateKeyFile=%2Frun%2Fclient.pem&authSource=admin&replicaSet=rs0",
    );
  });

  it("allows invalid certificates only where that is said", () => {
    const uri = uriOf({ tls: { allowInvalidCertificates: true } }, { password: "secret" });
    expect(uri).toContain("tls=true&tlsAllowInvalidCertificates=true");
    expect(uriOf({}, { password: "secret" })).not.toContain("tls");
  });

  it("needs no log-in where there is no user", () => {
    expect(uriOf({ login: {} }, {})).toBe("mongodb://vision-mongodb.default.svc:27017/");
  });

  it("needs the user of a password", () => {
    expect(() => uriOf({ login: {} }, { password: "secret" })).toThrow(
      expect.objectContaining({
        code: "E_CONFIG",
        hint: "Give it with --set source.database.username=NAME",
      }),
    );
  });

  it("needs a user's password", () => {
    expect(() => uriOf({}, {})).toThrow(
      expect.objectContaining({
        code: "E_CONFIG",
        message: 'There is no password of user "admin" of the source\'s database',
        hint: "Give it with --set source.database.password.file=PATH",
      }),
    );
  });

  it.each([
    ["mongodb://u:p@h", "mongodb://u:p@h/?tls=true&tlsCAFile=%2Frun%2Fca.pem"],
    ["mongodb://u:p@h/?w=1", "mongodb://u:p@h/?w=1&tls=true&tlsCAFile=%2Frun%2Fca.pem"],
    [
      "mongodb+srv://u:p@h/db?TLS=true",
      "mongodb+srv://u:p@h/db?TLS=true&tlsCAFile=%2Frun%2Fca.pem",
    ],
    ["mongodb://h/?tls=false&tlsCAFile=/x", "mongodb://h/?tls=false&tlsCAFile=/x"],
  ])("is %s as it was given, but for the CA", (uri, expected) => {
    const tls = { ca: { file: "/db.pem" }, allowInvalidCertificates: false };
    expect(uriOf({ tls }, { uri, ca: "PEM" })).toBe(expected);
  });
});

describe("a credential", () => {
  const folder = makeDir();
  afterAll(() => removeTree(folder));
  const [key = "", certificate = ""] = partsOf(makeSelfSigned(folder, "mover"));
  const [otherKey = ""] = partsOf(makeSelfSigned(folder, "other"));

  function partsOf(path: string): string[] {
    return readFileSync(path, "utf8").split(/(?=-----BEGIN CERTIFICATE)/);
  }

  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "login", namespace: "ns" },
    data: { password: Buffer.from("from a Secret\n").toString("base64") },
  };
  const secrets = { cluster: fakeCluster({ objects: [secret] }), namespace: "ns" };

  function written(text: string): string {
    const path = join(tempDir(), "credential");
    writeFileSync(path, text);
    return path;
  }

  it("is read from a file without its line end, and is masked from then on", async () => {
    const file = written("from a file \r\n");
    expect(await readCredential({ file }, "password", { env: {} })).toBe("from a file ");
    expect(redactText("it is from a file !")).toBe("it is ***!");
  });

  it("is read from a variable and from a Secret as it is", async () => {
    const sources = { env: { P: "from the environment" }, secrets };
    expect(await readCredential({ env: "P" }, "password", sources)).toBe("from the environment");
    const credential = { secret: { name: "login", key: "password" } };
    expect(await readCredential(credential, "password", sources)).toBe("from a Secret\n");
  });

  it.each([
    [
      { file: "/nowhere" },
      'Cannot read the password from file "/nowhere"',
      "There is no such file",
    ],
    [{ env: "NOPE" }, "The password is not in variable NOPE", "Set NOPE, or name a file"],
    [
      { secret: { name: "nope", key: "k" } },
      'The password is not in key "k" of Secret "nope"',
      'There is no such Secret in namespace "ns"',
    ],
    [
      { secret: { name: "login", key: "k" } },
      'The password is not in key "k" of Secret "login"',
      "The Secret has the keys password",
    ],
  ])("that is not there is told with its place: %j", async (credential, message, hint) => {
    await expect(
      readCredential(credential, "password", { env: {}, secrets }),
    ).rejects.toMatchObject({ code: "E_CONFIG", message, hint });
  });

  it("must not be empty", async () => {
    const file = written("\n");
    await expect(readCredential({ file }, "token", { env: {} })).rejects.toMatchObject({
      code: "E_CONFIG",
      message: `The token is empty in file "${file}"`,
    });
  });

  it("is read with all that a database needs", async () => {
    const database: DiscoveredDatabase = {
      ...base,
      login: { ...base.login, password: { value: { env: "P" }, from } },
      tls: {
        ...{ ca: { file: written("PEM") }, allowInvalidCertificates: false },
        ...{ certificate: { file: written(certificate) }, key: { env: "KEY" } },
      },
    };
    const asked = { side: "source" as const, database };
    expect(await readDatabaseCredentials(asked, { env: { P: "abc", KEY: key } })).toEqual({
      ...{ password: "abc", ca: "PEM" },
      client: `${certificate}${key}`,
    });
    expect(redactText(`it begins ${key.split("\n")[1]}`)).toBe("it begins ***");
    expect(
      await readDatabaseCredentials({ side: "source", database: undefined }, { env: {} }),
    ).toEqual({});
  });

  it.each([
    ["is no certificate in PEM form", () => ({ file: written("PEM") })],
    ["has no key, or one that cannot be read", () => ({ file: written(certificate) })],
    ["has a key that is not its own", () => ({ file: written(`${certificate}${otherKey}`) })],
  ])("is refused as a certificate where it %s", async (problem, given) => {
    const tls = { certificate: given(), allowInvalidCertificates: false };
    const asked = { side: "source" as const, database: { ...base, login: {}, tls } };
    await expect(readDatabaseCredentials(asked, { env: {} })).rejects.toMatchObject({
      code: "E_CONFIG",
      message: `The client certificate of the source's database ${problem}`,
    });
  });

  it("of an API stays in its file, or gets one that only we can read", async () => {
    const folder = tempDir();
    const tools = { env: { T: "a token" }, folder };
    const server = "https://x";
    const inFile = { server, token: { file: "/t" } };
    expect(await clusterAccessOf("destination", inFile, tools)).toEqual({
      server,
      tokenFile: "/t",
    });
    const access = await clusterAccessOf("destination", { server, token: { env: "T" } }, tools);
    const tokenFile = join(folder, "destination-token");
    expect(access).toEqual({ server, tokenFile });
    expect(readFileSync(tokenFile, "utf8")).toBe("a token");
    expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
    expect(await clusterAccessOf("source", { context: "c" }, tools)).toEqual({ context: "c" });
  });
});
