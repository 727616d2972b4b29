import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { initNetwork } from "../../../src/cli/init.ts";
import type { Ask, Choice } from "../../../src/cli/init-ask.ts";
import { draftOf, type InitFlags, pathIn } from "../../../src/cli/init-draft.ts";
import { makeTypedSecrets } from "../../../src/cli/init-secrets.ts";
import type { InitPorts } from "../../../src/cli/init-side.ts";
import type { Application } from "../../../src/config/application.ts";
import { loadApplication } from "../../../src/config/load-application.ts";
import type { ClusterConfig } from "../../../src/config/network.ts";
import { loadNetwork } from "../../../src/config/network-load.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import { redactText } from "../../../src/core/secrets.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import { fakeCluster } from "../../support/fake-cluster.ts";
import { settled } from "../../support/settled.ts";
import { standIn } from "../../support/stand-in.ts";
import { tempDir } from "../../support/temp-dir.ts";

let application: Application;
beforeAll(async () => {
  application = await loadApplication("mvi");
});

const source = standIn({ namespace: "vision", side: "source", password: "p" });
const destination = standIn({ namespace: "mas", side: "destination", password: "p" });

interface Asked {
  flags?: InitFlags;
  /** The answers, in the order of the questions; none: nobody can be asked. */
  answers?: (string | boolean)[];
  objects?: KubeObject[];
  may?: Parameters<typeof fakeCluster>[0]["may"];
  force?: boolean;
  folder?: string;
}

const bothContexts: InitFlags = {
  ...{ "source-context": "from", "source-namespace": "vision" },
  ...{ "dest-context": "to", "dest-namespace": "mas" },
};

/** Runs migctl init with a scripted person, and tells what was asked and opened. */
async function init({ flags = bothContexts, answers, objects, may, force, folder }: Asked) {
  const place = folder ?? tempDir();
  const file = join(place, "network.json");
  const questions: string[] = [];
  const opened: ClusterConfig[] = [];
  const said: string[] = [];
  const secrets = makeTypedSecrets(tempDir());
  const ports: InitPorts = {
    ...{ application, secrets, signal: new AbortController().signal },
    ask: answers === undefined ? undefined : scripted(answers, questions),
    contexts: [
      { name: "from", server: "https://from:6443", isCurrent: true },
      { name: "to", server: "https://to:6443", isCurrent: false },
    ],
    say: (text) => void said.push(text),
    async open(_side, cluster) {
      opened.push(secrets.staged(cluster));
      return fakeCluster({
        objects: [...namespaces, ...settled(objects ?? [...source, ...destination])],
        ...(may === undefined ? {} : { may }),
        forward: async () => {
          throw new MigrationError("E_UNAVAILABLE", "Nobody listens");
        },
      });
    },
  };
  const result = await initNetwork(draftOf(file, flags), { force: force ?? false }, ports);
  return { result, file, folder: place, questions, opened, said };
}

const namespaces: KubeObject[] = ["kube-system", "empty", "mas", "vision"].map((name) => ({
  ...{ apiVersion: "v1", kind: "Namespace" },
  metadata: { name, uid: name },
}));

function scripted(answers: (string | boolean)[], questions: string[]): Ask {
  const next = async (question: string) => {
    questions.push(question);
    const answer = answers.shift();
    if (answer === undefined) throw new Error(`No answer to: ${question}`);
    return answer as never;
  };
  return {
    text: next,
    secret: next,
    yes: next,
    async choose(question: string, choices: readonly Choice[]) {
      const answer = await next(question);
      const values = choices.map(({ value }) => value);
      if (!values.includes(answer)) throw new Error(`${answer} is none of ${values.join(", ")}`);
      return answer;
    },
  };
}

const noSecret: NonNullable<Asked["may"]> = (_verb, plural) => plural !== "secrets";

describe("migctl init", () => {
  it("writes by flags alone what loadNetwork reads back, for nobody else to see", async () => {
    const { file, folder, result, said } = await init({});
    const { network, warnings } = await loadNetwork(file);
    expect(network).toMatchObject({
      $schema: "./network.schema.json",
      source: { cluster: { context: "from" }, namespace: "vision" },
      destination: { cluster: { context: "to" }, namespace: "mas" },
    });
    expect(warnings).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(["network.json", "network.schema.json"]);
    expect(result.source.release.value).toBe("vision");
    expect(said).toContain('  release: vision (by ConfigMap "vision-config")');
  });

  it("refuses to replace a file, and replaces it when that is meant", async () => {
    const folder = tempDir();
    writeFileSync(join(folder, "network.json"), "mine");
    await expect(init({ folder })).rejects.toMatchObject({
      code: "E_EXISTS",
      hint: "Give --force to replace it, or another file with --out",
    });
    expect(readFileSync(join(folder, "network.json"), "utf8")).toBe("mine");
    expect(readdirSync(folder)).toEqual(["network.json"]);
    const { file } = await init({ folder, force: true });
    expect((await loadNetwork(file)).network.source).toMatchObject({ namespace: "vision" });
  });

  it("writes nothing where a side is not found", async () => {
    const folder = tempDir();
    await expect(init({ folder, objects: source })).rejects.toMatchObject({ code: "E_DISCOVERY" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("writes nothing where both sides are one", async () => {
    const folder = tempDir();
    const flags = { ...bothContexts, "dest-namespace": "vision" };
    await expect(init({ folder, flags })).rejects.toMatchObject({ code: "E_SAME_SERVER" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("wants to know where the destination is", async () => {
    await expect(init({ flags: { "source-context": "from" } })).rejects.toMatchObject({
      code: "E_DISCOVERY",
    });
    const flags = { "source-namespace": "vision" };
    await expect(init({ flags })).rejects.toMatchObject({
      code: "E_USAGE",
      hint: "Give --dest-context, or --dest-server with --dest-token-file",
    });
  });

  it("asks for both sides, with the contexts and the namespaces that there are", async () => {
    const { file, questions } = await init({
      flags: {},
      answers: ["from", "vision", "to", "mas", true],
    });
    expect(questions).toEqual([
      "How is the source's cluster reached?",
      "In which namespace is the source?",
      "How is the destination's cluster reached?",
      "In which namespace is the destination?",
      `Write ${file}?`,
    ]);
    expect((await loadNetwork(file)).network).toMatchObject({
      source: { cluster: { context: "from" }, namespace: "vision" },
      destination: { cluster: { context: "to" }, namespace: "mas" },
    });
  });

  it("writes nothing where the last question is answered with no", async () => {
    const folder = tempDir();
    const asked = init({ folder, answers: [false] });
    await expect(asked).rejects.toMatchObject({ code: "E_INTERRUPTED" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("asks which release is meant where there are two", async () => {
    const second = standIn({ namespace: "vision", side: "source", password: "p", name: "other" });
    const { file, questions } = await init({
      objects: [...source, ...second, ...destination],
      answers: ["other", true],
    });
    expect(questions[0]).toMatch(/^There are 2 releases in the source's namespace "vision"/);
    expect((await loadNetwork(file)).network.source).toMatchObject({ release: "other" });
  });

  it("asks again after an answer that was wrong", async () => {
    const { file, said } = await init({
      flags: {},
      answers: ["from", "empty", true, "from", "vision", "to", "mas", true],
    });
    expect(said.join("\n")).toContain('Nothing in the source\'s namespace "empty" tells');
    expect((await loadNetwork(file)).network.source).toMatchObject({ namespace: "vision" });
  });

  it("puts a typed password into a file of its own that only its owner can read", async () => {
    const { file, folder } = await init({
      may: noSecret,
      answers: [true, "type", "canary:p@ss", true, "env", "DEST_PASSWORD", true],
    });
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain("canary");
    const path = join(folder, "network.source-password");
    expect(readFileSync(path, "utf8")).toBe("canary:p@ss");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(redactText("canary:p@ss")).toBe("***");
    const { network } = await loadNetwork(file);
    expect(network.source).toMatchObject({ database: { password: { file: path } } });
    expect(network.destination).toMatchObject({ database: { password: { env: "DEST_PASSWORD" } } });
  });

  it("tells by which flag a log-in is given, where nobody can be asked", async () => {
    const { said, file } = await init({ may: noSecret });
    expect(said.join("\n")).toContain("--set source.database.password.file=PATH");
    expect((await loadNetwork(file)).network.source).not.toHaveProperty("database");
  });

  it("connects with a typed token before that is in its final file", async () => {
    const { file, folder, opened } = await init({
      flags: { "source-context": "from", "source-namespace": "vision" },
      answers: [" url", "https://to:6443", "type", "token-canary", "", "mas", true],
    });
    const access = opened[1] as { token: { file: string } };
    expect(access.token.file).not.toContain(folder);
    expect(readFileSync(join(folder, "network.destination-token"), "utf8")).toBe("token-canary");
    expect((await loadNetwork(file)).network.destination).toMatchObject({
      cluster: {
        server: "https://to:6443",
        token: { file: join(folder, "network.destination-token") },
      },
    });
  });

  it("takes the values of --set over the flags, and names the flag that is wrong", async () => {
    const flags = { ...bothContexts, set: ["source.mount=/data", "destination.transport=exec"] };
    const { file } = await init({ flags });
    expect((await loadNetwork(file)).network).toMatchObject({
      source: { mount: "/data" },
      destination: { transport: "exec" },
    });
    const wrong = { ...bothContexts, set: ["source.clam=x"] };
    await expect(init({ flags: wrong })).rejects.toMatchObject({
      code: "E_CONFIG",
      fields: { problems: [expect.stringMatching(/^--set: source\.clam/)] },
    });
  });

  it("refuses a context and a URL for the same side", () => {
    const flags = { "dest-context": "a", "dest-server": "https://b" };
    expect(() => draftOf("network.json", flags)).toThrow(
      expect.objectContaining({ code: "E_USAGE" }),
    );
  });

  it.each([
    ["/a/network.json", "/a/token", "token"],
    ["/a/network.json", "/a/b/token", "b/token"],
    ["/a/network.json", "/b/token", "/b/token"],
  ])("of the config %s writes the path %s as %s", (file, path, written) => {
    expect(pathIn(file, path)).toBe(written);
  });
});
