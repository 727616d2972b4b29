import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createServer } from "node:tls";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { redactText } from "../../src/core/secrets.ts";
import { withLink } from "../../src/manager/link/with-link.ts";
import { connectSource } from "../../src/mongo/connect.ts";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import { type Authority, makeAuthority, makeSelfSigned } from "../support/certificates.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { appUser } from "../support/mongod-setup.ts";
import { makeDir, removeTree, tempDir } from "../support/temp-dir.ts";
import { dialNames } from "./link-rig.ts";

/** Takes TLS alone, of clients with a certificate of its authority. */
let server: RunningMongod;
/** Knows no TLS. */
let plain: RunningMongod;
let folder: string;
let authority: Authority;
let foreign: Authority;
const client = { subject: "/O=Clients/CN=mover" };

beforeAll(async () => {
  folder = makeDir();
  authority = makeAuthority(folder);
  foreign = makeAuthority(folder, "stranger");
  const pem = authority.issue("server", { names: "DNS:db.test,IP:127.0.0.1" });
  const tls = ["--tlsMode", "preferTLS", "--tlsCertificateKeyFile", pem];
  const extraArgs = [...tls, "--tlsCAFile", authority.certificate];
  server = await startMongod({ version: "6.0", auth: true, extraArgs });
  plain = await startMongod({ version: "4.2" });
  const admin = await MongoClient.connect(server.adminUri);
  const roles = [{ role: "readWrite", db: appUser.database }];
  await admin.db("$external").command({ createUser: "CN=mover,O=Clients", roles });
  await admin.db("admin").command({ setParameter: 1, tlsMode: "requireTLS" });
  await admin.close();
});
afterAll(async () => {
  await server?.stop();
  await plain?.stop();
  removeTree(folder);
});

function open(uri: string) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, uri);
  return { uriFile, database: appUser.database };
}

/** The server's URI with these options; a path is given as it is. */
function withOptions(options: Record<string, string>, uri = server.uri): string {
  return `${uri}&${new URLSearchParams(options)}`;
}

const ca = () => ({ tls: "true", tlsCAFile: authority.certificate });
const ours = () => ({ ...ca(), tlsCertificateKeyFile: authority.issue("client", client) });

async function failureOf(uri: string): Promise<{ code: string; message: string; hint: string }> {
  return await connectSource(open(uri), { selectionMs: 1000 }).then(
    () => expect.unreachable("It connected"),
    (error) => error,
  );
}

/** Shows a certificate, as a server of MongoDB does that has gone bad meanwhile. */
async function startShowing(pem: string): Promise<string> {
  const text = readFileSync(pem);
  const showing = createServer({ key: text, cert: text });
  showing.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => showing.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void showing.close());
  const address = showing.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return `mongodb://127.0.0.1:${port}/?directConnection=true`;
}

describe("TLS with a certificate of ours", () => {
  it("is written and read by, with the certificate as the log-in too", async () => {
    const at = `127.0.0.1:${server.port}`;
    const uri = `mongodb://${at}/?authMechanism=MONGODB-X509&directConnection=true`;
    const destination = await connectDestination(open(withOptions(ours(), uri)));
    await destination.create({ name: "made", type: "collection", options: {} });
    expect((await destination.collections()).map(({ name }) => name)).toContain("made");
    await destination.close();
  });

  it("checks the real name and shows our certificate through a link", async () => {
    const at = `db.test:27017/?directConnection=true&authSource=${appUser.database}`;
    const login = [appUser.name, appUser.password].map(encodeURIComponent).join(":");
    const dial = dialNames({ "db.test:27017": server.port });
    const names = await withLink(
      open(withOptions(ours(), `mongodb://${login}@${at}`)),
      dial,
      {},
      async ({ ref }) => {
        const source = await connectSource(ref);
        const collections = await source.collections();
        await source.close();
        return collections;
      },
    );
    expect(names).toBeInstanceOf(Array);
    const refused = withLink(
      open(withOptions(ca(), `mongodb://${login}@${at}`)),
      dial,
      {},
      ({ ref }) => connectSource(ref, { selectionMs: 1000 }),
    );
    await expect(refused).rejects.toMatchObject({
      code: "E_TLS",
      message:
        'The server at "db.test:27017" wants a certificate of its client, and the URI names none',
    });
  });

  it("keeps the key out of whatever is said", async () => {
    const options = ours();
    const source = await connectSource(open(withOptions(options)));
    await source.close();
    const pem = readFileSync(options.tlsCertificateKeyFile, "utf8");
    const [key = "", certificate = ""] = pem.split(/(?=-----BEGIN CERTIFICATE)/);
    const lines = key.split("\n").filter((line) => line.length >= 16 && !line.startsWith("-"));
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(redactText(`is ${line}!`)).toBe("is ***!");
    expect(redactText(JSON.stringify({ pem }))).not.toContain(lines[0]);
    expect(redactText(certificate)).toBe(certificate);
  });
});

/** As servers other than MongoDB's own do: says what it misses before it closes. */
async function startDemanding(): Promise<string> {
  const pem = authority.issue("demanding", { names: "IP:127.0.0.1" });
  const files = ["-cert", pem, "-key", pem, "-CAfile", authority.certificate];
  const demand = ["-Verify", "1", "-verify_return_error", "-accept", "127.0.0.1:0"];
  const child = spawn("openssl", ["s_server", ...files, ...demand], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill());
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise<string>((resolve) => {
    lines.on("line", (line) => {
      const told = /^ACCEPT .*:(\d+)$/.exec(line)?.[1];
      if (told !== undefined) resolve(told);
    });
  });
  return `mongodb://127.0.0.1:${port}/?directConnection=true`;
}

interface Case {
  what: string;
  uri: () => string | Promise<string>;
  says: RegExp;
  hint: RegExp;
}

const day = /\d{4}-\d\d-\d\d \d\d:\d\d UTC/.source;

const cases: Case[] = [
  {
    what: "our certificate is missing",
    uri: () => withOptions(ca()),
    says: /^The server at "127\.0\.0\.1:\d+" wants a certificate of its client, and the URI names none$/,
    hint: /tlsCertificateKeyFile/,
  },
  {
    what: "our certificate is missing, in the server's words",
    uri: async () => withOptions(ca(), await startDemanding()),
    says: /wants a certificate of its client \(certificate required\), and the URI names none$/,
    hint: /tlsCertificateKeyFile/,
  },
  {
    what: "ours is of an authority that the server does not know",
    uri: () => withOptions({ ...ca(), tlsCertificateKeyFile: foreign.issue("client", client) }),
    says: /did not accept our certificate "O=Clients, CN=mover" \(of "O=Test, CN=stranger", valid until /,
    hint: /authority that the server trusts/,
  },
  {
    what: "ours has expired",
    uri: () => {
      const late = authority.issue("late", { ...client, days: [-9, -3] });
      return withOptions({ ...ca(), tlsCertificateKeyFile: late });
    },
    says: RegExp(`did not accept our certificate "O=Clients, CN=mover" .*expired on ${day}`),
    hint: /valid now/,
  },
  {
    what: "TLS is wanted and not asked for",
    uri: () => server.uri,
    says: /wants TLS, and the URI does not ask for it$/,
    hint: /tls=true and tlsCAFile/,
  },
  {
    what: "TLS is asked for where there is none",
    uri: () => withOptions(ca(), plain.uri),
    says: /does not speak TLS, and the URI asks for it$/,
    hint: /Turn TLS on at the server/,
  },
  {
    what: "the server's authority is not known",
    uri: () => withOptions({ ...ours(), tlsCAFile: foreign.certificate }),
    says: /certificate "O=Test, CN=server" of the server .* is of "O=Test, CN=authority", which is not trusted/,
    hint: /tlsCAFile .* database\.tls\.ca/,
  },
  {
    what: "the server's certificate has expired",
    uri: async () => {
      const names = "IP:127.0.0.1";
      return withOptions(
        ca(),
        await startShowing(authority.issue("old", { names, days: [-9, -3] })),
      );
    },
    says: RegExp(`certificate "O=Test, CN=old" of the server at ".*" expired on ${day}$`),
    hint: /renewed/,
  },
  {
    what: "the server's certificate is not valid yet",
    uri: async () => {
      const names = "IP:127.0.0.1";
      return withOptions(ca(), await startShowing(authority.issue("new", { names, days: [3, 9] })));
    },
    says: RegExp(`certificate "O=Test, CN=new" of the server at ".*" is not valid before ${day}$`),
    hint: /clocks/,
  },
  {
    what: "the server's certificate is for other names",
    uri: async () => {
      const names = "DNS:other.test,DNS:more.test";
      return withOptions(ca(), await startShowing(authority.issue("other", { names })));
    },
    says: /is for "other\.test", "more\.test", not for "127\.0\.0\.1"$/,
    hint: /Use a name that it is for/,
  },
  {
    what: "the server's certificate is self-signed",
    uri: async () => withOptions(ca(), await startShowing(makeSelfSigned(folder, "self"))),
    says: /certificate "CN=self" of the server at ".*" is self-signed/,
    hint: /tlsCAFile/,
  },
  {
    what: "the authority's file is not there",
    uri: () => withOptions({ tls: "true", tlsCAFile: "/nowhere/ca.crt" }),
    says: /^The file "\/nowhere\/ca\.crt" of tlsCAFile is not there$/,
    hint: /Correct the option/,
  },
  {
    what: "the authority's file holds none",
    uri: () => withOptions({ tls: "true", tlsCAFile: "/dev/null" }),
    says: /"\/dev\/null" of tlsCAFile holds no certificate in PEM form$/,
    hint: /takes certificates \(PEM\)/,
  },
  {
    what: "the key's file holds no key",
    uri: () => withOptions({ ...ca(), tlsCertificateKeyFile: authority.certificate }),
    says: /ca\.crt" of tlsCertificateKeyFile holds no private key that can be read$/,
    hint: /in the same file/,
  },
];

describe("a connection that fails by TLS", () => {
  it.concurrent.each(cases)("says that $what", async ({ uri, says, hint }) => {
    const failure = await failureOf(await uri());
    expect(failure.message).toMatch(says);
    expect(failure).toMatchObject({
      code: "E_TLS",
      exitCode: 4,
      hint: expect.stringMatching(hint),
    });
  });

  it("does without the check where that is said", async () => {
    const options = { ...ours(), tlsCAFile: foreign.certificate };
    const source = await connectSource(
      open(withOptions({ ...options, tlsAllowInvalidCertificates: "true" })),
    );
    expect(source.facts.version).toMatch(/^6\.0/);
    await source.close();
  });
});
