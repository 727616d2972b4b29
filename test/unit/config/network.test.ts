import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { NetworkConfig } from "../../../src/config/network.ts";
import { loadNetwork, parseNetwork } from "../../../src/config/network-load.ts";
import { type NetworkFlags, overlayOf } from "../../../src/config/network-overlay.ts";
import { asMigrationError } from "../../../src/core/errors.ts";
import { tempDir } from "../../support/temp-dir.ts";

const byContext = `{ "cluster": { "context": "a" } }`;

function problemsOf(text: string, name = "network.json", flags: NetworkFlags = {}): unknown {
  try {
    parseNetwork(text, name, overlayOf(flags));
  } catch (thrown) {
    const error = asMigrationError(thrown);
    expect({ code: error.code, exit: error.exitCode }).toEqual({ code: "E_CONFIG", exit: 2 });
    return error.fields["problems"];
  }
  return "no problem";
}

function withSource(source: string): string {
  return `{\n "source": ${source},\n "destination": ${byContext}\n}`;
}

function write(text: string, name = "network.json", mode = 0o600): string {
  const path = join(tempDir(), name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const commented = `// where it is moved from and to
{
  /* by kubeconfig */
  "source": { "cluster": { "context": "old" }, "namespace": "vision", },
  "destination": {
    "cluster": {
      "server": "https://api.example.com:6443", // by URL
      "token": { "file": "token" },
      "caFile": "ca.pem",
    },
    "namespace": "mas-fed-visualinspection",
    "database": { "hosts": ["a:1", "b:2"], "tls": { "ca": { "file": "db.pem" } } },
  },
}
`;

const inYaml = `# where it is moved from and to
source: { cluster: { context: old }, namespace: vision }
destination:
  cluster:
    server: https://api.example.com:6443
    token: { file: token }
    caFile: ca.pem
  namespace: mas-fed-visualinspection
  database: { hosts: ["a:1", "b:2"], tls: { ca: { file: db.pem } } }
`;

describe("a network config", () => {
  it.each([
    ["JSON with comments and trailing commas", "network.json", commented],
    ["the same under another name", "network", commented],
    ["a byte order mark", "network.json", `\ufeff${commented}`],
    ["CRLF", "network.json", commented.replaceAll("\n", "\r\n")],
    ["YAML", "network.yaml", inYaml],
    ["YAML under another name", "network", inYaml],
  ])("is read from %s", (_, name, text) => {
    expect(parseNetwork(text, name)).toEqual({
      source: { cluster: { context: "old" }, namespace: "vision" },
      destination: {
        cluster: {
          server: "https://api.example.com:6443",
          token: { file: "token" },
          caFile: "ca.pem",
        },
        namespace: "mas-fed-visualinspection",
        database: { hosts: ["a:1", "b:2"], tls: { ca: { file: "db.pem" } } },
      },
    });
  });

  it.each<[string, string, string[]]>([
    ["nothing", "", ["1:1: Value expected"]],
    ["comments alone", "// x\n", ["2:1: Value expected"]],
    ["no sides", "{}", ["1:1: source: is missing", "1:1: destination: is missing"]],
    [
      "a comma that is missing",
      `{\n "source": ${byContext}\n "destination": ${byContext}\n}`,
      ["3:2: Comma expected"],
    ],
    [
      "a key given twice",
      `{ "source": ${byContext},\n "source": ${byContext} }`,
      ["2:2: Map keys must be unique"],
    ],
    ["a prototype", `{ "source": { "__proto__": {} } }`, ["1:15: __proto__ cannot be a key"]],
    [
      "what TLS to a database needs and excludes",
      withSource(
        `{ "cluster": {}, "database": { "tls": { "key": { "file": "k" }, "ca": { "file": "c" }, "allowInvalidCertificates": true } } }`,
      ),
      [
        "2:52: source.database.tls.key: needs the certificate that it is of",
        "2:99: source.database.tls.allowInvalidCertificates: excludes ca: either the certificates are checked, or they are not",
      ],
    ],
    [
      "faults of both sides",
      `{\n "source": { "cluster": { "context": 5 }, "namespace": "A b" },\n "destination": { "cluster": {}, "clam": "x" }\n}`,
      [
        "2:27: source.cluster.context: Invalid input: expected string, received number",
        "2:43: source.namespace: must be lower-case letters, digits, dashes and dots",
        "3:34: destination.clam: is not known here",
      ],
    ],
    [
      "many faults within a side, by the kind of side that it is",
      withSource(
        `{ "cluster": { "server": 5, "tokn": "x" }, "claim": 1, "release": 2, "mount": "data", "subPath": "../x", "database": { "service": "a b", "hosts": ["x y"] } }`,
      ),
      [
        "2:27: source.cluster.server: Invalid input: expected string, received number",
        "2:40: source.cluster.tokn: is not known here",
        "2:55: source.claim: Invalid input: expected string, received number",
        "2:67: source.release: Invalid input: expected string, received number",
        "2:81: source.mount: must be an absolute path",
        "2:98: source.subPath: must be a path below the volume's root, without ..",
        "2:131: source.database.service: must be a Service's name with or without a port, as vision-mongodb:27017",
        "2:159: source.database.hosts.0: must be a host with or without a port, as db.example.com:27017",
      ],
    ],
    [
      "a folder that is none",
      withSource(`{ "dir": 5 }`),
      ["2:14: source.dir: Invalid input: expected string, received number"],
    ],
    [
      "a destination's field at the source",
      withSource(`{ "cluster": {}, "transport": "exec" }`),
      ["2:29: source.transport: is not known here"],
    ],
    [
      "an API without a log-in",
      withSource(`{ "cluster": { "server": "https://x" } }`),
      ["2:14: source.cluster: needs a token, or a client certificate and its key"],
    ],
    [
      "a certificate without its key",
      withSource(`{ "cluster": { "server": "https://x", "clientCertificateFile": "c" } }`),
      ["2:14: source.cluster: needs clientCertificateFile and clientKeyFile, or neither"],
    ],
    [
      "an API without TLS",
      withSource(`{ "cluster": { "server": "http://x", "token": { "file": "t" } } }`),
      ["2:27: source.cluster.server: must be a URL with https://, or with http:// on this machine"],
    ],
    [
      "a CA that is not used",
      withSource(
        `{ "cluster": { "server": "https://x", "token": { "env": "T" }, "caFile": "c", "insecureSkipTlsVerify": true } }`,
      ),
      [
        "2:90: source.cluster.insecureSkipTlsVerify: excludes caFile: either the certificate is checked, or it is not",
      ],
    ],
    [
      "a token that only its own API could give",
      withSource(
        `{ "cluster": { "server": "https://x", "token": { "secret": { "name": "s", "key": "k" } } } }`,
      ),
      [
        "2:61: source.cluster.token.secret: must be a file or a variable: there is no API yet to read a Secret from",
      ],
    ],
    [
      "a URI beside its parts",
      withSource(
        `{ "cluster": {}, "database": { "uri": { "env": "U" }, "username": "u", "hosts": ["h"], "service": "s" } }`,
      ),
      [
        "2:66: source.database.username: is part of the uri, which is given too",
        "2:83: source.database.hosts: is part of the uri, which is given too",
        "2:83: source.database.hosts: excludes service: give one of them",
        "2:99: source.database.service: is part of the uri, which is given too",
      ],
    ],
    [
      "a credential of two places",
      withSource(`{ "cluster": {}, "database": { "password": { "file": "f", "env": "E" } } }`),
      ["2:70: source.database.password.env: is not known here"],
    ],
    [
      "a container of no pod",
      `{\n "source": ${byContext},\n "destination": { "cluster": {}, "container": "c" }\n}`,
      ["3:34: destination.container: needs a pod"],
    ],
  ])("tells file, line and column of %s", (_, text, problems) => {
    expect(problemsOf(text)).toEqual(problems.map((problem) => `network.json:${problem}`));
  });

  it("tells the same of YAML, at its own lines", () => {
    const text = "source:\n  cluster: {}\n  clam: x\ndestination: { cluster: { tokn: 1 } }\n";
    expect(problemsOf(text, "network.yaml")).toEqual([
      "network.yaml:3:3: source.clam: is not known here",
      "network.yaml:4:27: destination.cluster.tokn: is not known here",
    ]);
  });

  const instead =
    "must not be given in plain; give { file: PATH }, { env: NAME } or { secret: { name, key } } instead";
  it.each([
    [
      "a password",
      `{ "cluster": {}, "database": { "password": "hunter2" } }`,
      "database.password",
      instead,
    ],
    [
      "a number as one",
      `{ "cluster": {}, "database": { "password": 4711 } }`,
      "database.password",
      instead,
    ],
    [
      "a token",
      `{ "cluster": { "server": "https://x", "token": "hunter2" } }`,
      "cluster.token",
      instead,
    ],
    [
      "a URI",
      `{ "cluster": {}, "database": { "uri": "mongodb://u:hunter2@h/" } }`,
      "database.uri",
      instead,
    ],
    [
      "a URL with a log-in",
      `{ "cluster": { "server": "https://u:hunter2@x", "token": { "env": "T" } } }`,
      "cluster.server",
      "must not hold a user or a password; name the log-in with token",
    ],
    [
      "a proxy with a log-in",
      `{ "cluster": { "server": "https://x", "token": { "env": "T" }, "proxyUrl": "http://u:hunter2@p" } }`,
      "cluster.proxyUrl",
      "must not hold a user or a password; set HTTPS_PROXY instead",
    ],
    [
      "a host with a log-in",
      `{ "cluster": {}, "database": { "hosts": ["u:hunter2@h"] } }`,
      "database.hosts.0",
      "must be a host with or without a port, as db.example.com:27017",
    ],
  ])(
    "refuses %s in the file, names the alternative and repeats nothing",
    (_, source, path, text) => {
      const problems = problemsOf(withSource(source));
      expect(problems).toEqual([expect.stringMatching(/^network\.json:2:\d+: /)]);
      expect(problems).toEqual([expect.stringContaining(`source.${path}: ${text}`)]);
      expect(JSON.stringify(problems)).not.toMatch(/hunter2|4711/);
    },
  );

  it("has a schema for editors that takes what is taken and knows every key", () => {
    const schema = z.toJSONSchema(NetworkConfig, { io: "input" });
    expect(schema.required).toEqual(["source", "destination"]);
    expect(schema.additionalProperties).toBe(false);
    expect(JSON.stringify(schema)).toContain('"insecureSkipTlsVerify"');
  });
});

describe("flags over a network config", () => {
  const text = `{ "source": { "cluster": { "server": "https://x", "token": { "env": "T" } } }, "destination": ${byContext} }`;

  it("go before what the file says", () => {
    const flags = {
      namespace: "other",
      link: "relay",
      "destination-image": "registry/x:1",
      set: [
        "source.claim=data-pvc",
        "destination.database.hosts={a:1,b:2}",
        "destination.database.tls.allowInvalidCertificates=true",
        "destination.database.password.file=/p",
      ],
    };
    expect(parseNetwork(text, "network.json", overlayOf(flags))).toEqual({
      source: {
        cluster: { server: "https://x", token: { env: "T" } },
        namespace: "other",
        claim: "data-pvc",
      },
      destination: {
        cluster: { context: "a" },
        link: "relay",
        image: "registry/x:1",
        database: {
          hosts: ["a:1", "b:2"],
          tls: { allowInvalidCertificates: true },
          password: { file: "/p" },
        },
      },
    });
  });

  it("take a context in the place of a URL", () => {
    const flags = { context: "here", kubeconfig: "/k" };
    expect(parseNetwork(text, "network.json", overlayOf(flags)).source).toEqual({
      cluster: { context: "here", kubeconfig: "/k" },
    });
  });

  it("are named where they are at fault", () => {
    const flags = { namespace: "A b", set: ["source.nope=1", "source.database.password=hunter2"] };
    const problems = problemsOf(text, "network.json", flags);
    expect(problems).toEqual([
      "--namespace: source.namespace: must be lower-case letters, digits, dashes and dots",
      "--set: source.database.password: must not be given in plain; give { file: PATH }, { env: NAME } or { secret: { name, key } } instead",
      "--set: source.nope: is not known here",
    ]);
  });

  it.each(["claim=x", "source.claim", "source=x", "source.__proto__=x", "other.claim=x"])(
    "refuse --set %s, and do not repeat it",
    (set) => {
      expect(() => overlayOf({ set: [set] })).toThrow(
        expect.objectContaining({
          code: "E_USAGE",
          message: "Flag --set takes a path of the network config and a value",
        }),
      );
    },
  );
});

describe("the file of a network config", () => {
  const local = `{ "source": { "dir": "data", "uriFile": "/uri" }, "destination": ${byContext} }`;

  it("is where its paths begin", async () => {
    const path = write(local);
    const { network, warnings } = await loadNetwork(path);
    expect(network.source).toEqual({ dir: join(path, "../data"), uriFile: "/uri" });
    expect(warnings).toEqual([]);
  });

  it.each([
    [0o644, local, "Others can read where"],
    [0o622, `{ "source": ${byContext}, "destination": ${byContext} }`, "Others can change the"],
    [0o644, `{ "source": ${byContext}, "destination": ${byContext} }`, undefined],
    [0o600, local, undefined],
  ])("of mode %o is warned of as it deserves", async (mode, text, warning) => {
    const { warnings } = await loadNetwork(write(text, "network.json", mode));
    expect(warnings).toEqual(warning === undefined ? [] : [expect.stringContaining(warning)]);
  });

  it("is not the only one: those with a credential are looked at as well", async () => {
    const token = write("t", "token", 0o640);
    const path = write(
      `{ "source": { "cluster": { "server": "https://x", "token": { "file": "${token}" } } }, "destination": ${byContext} }`,
    );
    expect((await loadNetwork(path)).warnings).toEqual([
      `Others can read or change the credential in "${token}": chmod 600 it`,
    ]);
  });

  it("is asked for where it is missing", async () => {
    await expect(loadNetwork("/nowhere/network.json")).rejects.toMatchObject({
      code: "E_CONFIG",
      message: 'Cannot read the network config "/nowhere/network.json"',
      hint: "There is no such file",
    });
  });
});
