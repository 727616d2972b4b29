import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { ServerAccess } from "../../src/kube/access.ts";
import type { Cluster } from "../../src/kube/cluster.ts";
import { openCluster } from "../../src/kube/connect.ts";
import type { KubeObject } from "../../src/kube/resource.ts";
import { configMaps, deployments, events, pods, secrets } from "../../src/kube/resources.ts";
import { noCluster, type TestCluster, testCluster, uniqueName } from "../support/cluster.ts";
import { accountObjects, clusterCa, type Rule, tokenFor } from "../support/cluster-account.ts";
import { startConnectProxy } from "../support/proxies.ts";
import { namespace as namespaceOf } from "../support/stand-in.ts";
import { standInImage } from "../support/stand-in-image.ts";
import { makeDir } from "../support/temp-dir.ts";

const here = uniqueName("e2e-kube");
const account = { namespace: here, name: "worker" };
const pod = { namespace: here, pod: "one" };

/** Echoes on 7777, ends at once on 7778, and prints a line when it starts. */
const program = `
const { createServer } = require("node:net");
createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(7777);
createServer((socket) => socket.on("error", () => {}).end("bye")).listen(7778);
console.log("started");
process.on("SIGTERM", () => process.exit());
`;

const rules: Rule[] = [
  { apiGroups: [""], resources: ["pods", "configmaps"], verbs: ["*"] },
  { apiGroups: [""], resources: ["pods/exec", "pods/portforward"], verbs: ["get", "create"] },
  { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
  { apiGroups: [""], resources: ["events"], verbs: ["list"] },
  { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "create", "patch", "delete"] },
  { apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["patch"] },
];

let bed: TestCluster;
let access: ServerAccess;
let folder: string;
let cluster: Cluster;

function podObject(name: string, spec: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: here },
    spec: { ...podSpec(), ...spec },
  };
}

function podSpec() {
  const { tag } = standInImage;
  const container = { name: "main", image: tag, imagePullPolicy: "IfNotPresent" };
  return {
    containers: [{ ...container, command: ["node", "-e", program] }],
    terminationGracePeriodSeconds: 1,
  };
}

function configMap(name: string, data: Record<string, string>): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: here }, data };
}

describe.skipIf(noCluster)("a real API server", () => {
  beforeAll(async () => {
    bed = testCluster();
    await bed.loadImage(standInImage);
    await bed.apply(namespaceOf(here), ...accountObjects(account, rules));
    folder = makeDir();
    const [caFile, tokenFile] = [join(folder, "ca.crt"), join(folder, "token")] as const;
    writeFileSync(caFile, clusterCa());
    writeFileSync(tokenFile, await tokenFor(bed, account));
    const seen = JSON.parse(await bed.kubectl("config", "view", "-o", "json"));
    access = { server: seen.clusters[0].cluster.server, caFile, tokenFile };
    cluster = await openCluster(access, { environment: {}, migration: "e2e" });
    await cluster.create(podObject(pod.pod));
    await bed.wait(here, `pod/${pod.pod}`, "condition=Ready");
  });

  afterAll(async () => {
    cluster?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
    await bed?.kubectl("delete", "namespace", here, "--wait=false", "--ignore-not-found");
  });

  it("tells its version, and who it is to who may ask", async () => {
    expect(await cluster.version()).toBe("v1.34.4");
    expect(await cluster.uid()).toBeUndefined();
    const admin = await openCluster({ kubeconfig: bed.kubeconfig }, { environment: {} });
    onTestFinished(() => admin.close());
    const { metadata } = await bed.get("namespace", "kube-system");
    expect(await admin.uid()).toBe(metadata.uid);
  });

  it("answers what is allowed, and refuses what is not in its own words", async () => {
    const question = { verb: "list", group: "", resource: "pods", namespace: here };
    expect((await cluster.can(question)).allowed).toBe(true);
    expect((await cluster.can({ ...question, resource: "secrets" })).allowed).toBe(false);
    await expect(cluster.list(secrets, here)).rejects.toMatchObject({
      code: "E_PERMISSION",
      message: expect.stringMatching(/^Not allowed to list secrets .*cannot list resource/),
      hint: expect.stringContaining(`"kubectl auth can-i list secrets -n ${here}"`),
    });
  });

  it("takes a token that is renewed while the old one has expired", async () => {
    const tokenFile = join(folder, "renewed");
    writeFileSync(tokenFile, await tokenFor(bed, account, -120));
    const other = await openCluster({ ...access, tokenFile }, { environment: {} });
    onTestFinished(() => other.close());
    await expect(other.list(pods, here)).rejects.toMatchObject({ code: "E_AUTHENTICATION" });
    await expect(other.exec(pod, ["true"])).rejects.toMatchObject({ code: "E_AUTHENTICATION" });
    writeFileSync(tokenFile, await tokenFor(bed, account));
    expect(await other.list(pods, here)).toHaveLength(1);
    expect(await (await other.exec(pod, ["true"], { stdin: false })).ended).toBe(0);
  });

  it("makes, reads, changes and deletes an object", async () => {
    const made = await cluster.create(configMap("life", { a: "1" }));
    const again = cluster.create(configMap("life", {}));
    await expect(again).rejects.toMatchObject({ code: "E_EXISTS" });
    await cluster.apply(configMap("life", { a: "2", b: "1" }));
    await cluster.patch(configMaps, { namespace: here, name: "life" }, { data: { b: null } });
    expect((await cluster.get(configMaps, "life", here))?.data).toEqual({ a: "2" });
    const uid = "00000000-0000-0000-0000-000000000000";
    expect(await cluster.delete(configMaps, "life", here, { uid })).toBe(false);
    const own = { uid: made.metadata.uid ?? "" };
    expect(await cluster.delete(configMaps, "life", here, own)).toBe(true);
    expect(await cluster.delete(configMaps, "life", here)).toBe(false);
    expect(await cluster.get(configMaps, "life", here)).toBeUndefined();
  });

  it("takes over what another has changed by hand", async () => {
    await cluster.apply(configMap("edited", { a: "ours" }));
    await bed.apply(configMap("edited", { a: "theirs" }));
    await cluster.apply(configMap("edited", { a: "ours again" }));
    expect((await cluster.get(configMaps, "edited", here))?.data).toEqual({ a: "ours again" });
  });

  it("keeps nothing of a dry run, and asks all of admission", async () => {
    const dryRun = { dryRun: true };
    await cluster.create(configMap("dry", {}), dryRun);
    await cluster.apply(configMap("dry", {}), dryRun);
    expect(await cluster.get(configMaps, "dry", here)).toBeUndefined();
    const metadata = { name: "few", namespace: here };
    const hard = { "count/configmaps": "0" };
    await bed.apply({ apiVersion: "v1", kind: "ResourceQuota", metadata, spec: { hard } });
    onTestFinished(async () => void (await bed.kubectl("delete", "quota", "few", "-n", here)));
    await bed.wait(here, "quota/few", "jsonpath={.status.hard}");
    await expect(cluster.create(configMap("dry", {}), dryRun)).rejects.toMatchObject({
      code: "E_QUOTA",
      message: expect.stringContaining("exceeded quota: few"),
    });
  });

  it("scales a deployment, and deletes it with its pods", async () => {
    const labels = { app: "scaled" };
    const template = { metadata: { labels }, spec: podSpec() };
    await cluster.create({
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d", namespace: here } },
      spec: { replicas: 0, selector: { matchLabels: labels }, template },
    });
    const scale = { namespace: here, name: "d", subresource: "scale" };
    await cluster.patch(deployments, scale, { spec: { replicas: 1 } });
    expect((await cluster.get(deployments, "d", here))?.spec.replicas).toBe(1);
    const options = { labels: "app=scaled", signal: new AbortController().signal };
    const seen: string[] = [];
    for await (const { type } of cluster.watch(pods, here, options)) {
      seen.push(type);
      if (type === "ADDED") await cluster.delete(deployments, "d", here);
      if (type === "DELETED") break;
    }
    expect([seen[0], seen.at(-1)]).toEqual(["ADDED", "DELETED"]);
  });

  it("lists more than a page, and events of an object", async () => {
    const names = Array.from({ length: 501 }, (_, index) => `page-${index}`);
    for (let from = 0; from < names.length; from += 50) {
      const some = names.slice(from, from + 50);
      await Promise.all(some.map((name) => cluster.create(configMap(name, {}))));
    }
    const found = await cluster.list(configMaps, here);
    expect(found.filter(({ metadata }) => metadata.name.startsWith("page-"))).toHaveLength(501);
    const fields = `involvedObject.kind=Pod,involvedObject.name=${pod.pod}`;
    const told = await cluster.list(events, here, { fields });
    expect(told.map(({ reason }) => reason)).toContain("Started");
  });

  it("runs commands, with both outputs, input and exit code", async () => {
    const script = "cat; echo problem >&2; exit 7";
    const session = await cluster.exec({ ...pod, container: "main" }, ["sh", "-c", script]);
    session.stdin.end("input");
    const ends = [text(session.stdout), text(session.stderr), session.ended];
    expect(await Promise.all(ends)).toEqual(["input", "problem\n", 7]);
  });

  it("tells the exit code of a command that drains what it does not want", async () => {
    const script = "head -c 10; cat > /dev/null; exit 12";
    const session = await cluster.exec(pod, ["sh", "-c", script]);
    const output = text(session.stdout);
    await pipeline(Readable.from([Buffer.alloc(4 * 1024 * 1024, "x")]), session.stdin);
    expect(await output).toBe("x".repeat(10));
    expect(await session.ended).toBe(12);
  });

  it("says why a command cannot run", async () => {
    const missing = await cluster.exec(pod, ["nonsense"], { stdin: false });
    await expect(missing.ended).rejects.toMatchObject({
      code: "E_CLUSTER",
      message: expect.stringContaining('"nonsense": executable file not found'),
    });
    const noPod = cluster.exec({ namespace: here, pod: "nobody" }, ["true"]);
    await expect(noPod).rejects.toMatchObject({ code: "E_CLUSTER" });
  });

  it("takes no command for successful whose pod was deleted", async () => {
    await cluster.create(podObject("doomed"));
    await bed.wait(here, "pod/doomed", "condition=Ready");
    const target = { namespace: here, pod: "doomed" };
    const session = await cluster.exec(target, ["sh", "-c", "echo begun; sleep 600"]);
    await once(session.stdout, "data");
    await cluster.delete(pods, "doomed", here, { gracePeriodSeconds: 0 });
    expect(await session.ended.catch((error) => error.code)).toSatisfy(
      (end) => end === 137 || end === "E_UNAVAILABLE" || end === "E_CLUSTER",
    );
  });

  describe("large streams", () => {
    const piece = randomBytes(1024 * 1024);
    const pieces = 512;
    const whole = createHash("sha256");
    for (let count = 0; count < pieces; count++) whole.update(piece);
    const hash = whole.digest("hex");
    const source = () =>
      Readable.from(
        (function* () {
          for (let count = 0; count < pieces; count++) yield piece;
        })(),
      );
    /** Half of what is moved; one that keeps what it cannot pass on would need all of it. */
    const mostGrowth = (pieces * piece.length) / 2;

    async function growth(work: () => Promise<void>): Promise<number> {
      const before = process.memoryUsage().rss;
      let most = before;
      const timer = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss);
      }, 20);
      await work().finally(() => clearInterval(timer));
      return most - before;
    }

    it("arrive whole at a command that begins to read late", async () => {
      const grown = await growth(async () => {
        const session = await cluster.exec(pod, ["sh", "-c", "sleep 2; sha256sum"]);
        const told = text(session.stdout);
        await pipeline(source(), session.stdin);
        expect(await told).toBe(`${hash}  -\n`);
        expect(await session.ended).toBe(0);
      });
      expect(grown).toBeLessThan(mostGrowth);
    });

    it("come whole from a command whose output is read slowly", async () => {
      const grown = await growth(async () => {
        const session = await cluster.exec(pod, ["cat"]);
        const sent = pipeline(source(), session.stdin);
        const found = createHash("sha256");
        let size = 0;
        for await (const part of session.stdout) {
          const before = size >> 25;
          found.update(part);
          size += part.length;
          // A reader that stops now and then.
          if (size >> 25 !== before) await sleep(100);
        }
        await sent;
        expect(found.digest("hex")).toBe(hash);
        expect(await session.ended).toBe(0);
      });
      expect(grown).toBeLessThan(mostGrowth);
    });

    it("fail honestly when the connection is cut, and leave nothing that looks whole", async () => {
      const { port, host } = new URL(access.server);
      const proxy = await startConnectProxy(Number(port));
      const far = await openCluster({ ...access, proxyUrl: proxy.url }, { environment: {} });
      onTestFinished(() => far.close());
      const session = await far.exec(pod, ["cat"]);
      const sent = pipeline(source(), session.stdin);
      let size = 0;
      const read = (async () => {
        for await (const part of session.stdout) {
          size += part.length;
          if (size > 50 * piece.length) proxy.cut();
        }
      })();
      const cut = { code: "E_UNAVAILABLE" };
      await expect(session.ended).rejects.toMatchObject(cut);
      await expect(sent).rejects.toMatchObject(cut);
      await expect(read).rejects.toMatchObject(cut);
      expect(size).toBeLessThan(pieces * piece.length);
      expect(proxy.asked[0]?.target).toBe(host);
    });

    it("go both ways through a port that is forwarded", async () => {
      const stream = await cluster.forward({ ...pod, port: 7777 });
      const found = createHash("sha256");
      let size = 0;
      const echoed = (async () => {
        for await (const part of stream) {
          found.update(part);
          size += part.length;
          if (size === pieces * piece.length) break;
        }
      })();
      for await (const part of source()) {
        if (!stream.write(part)) await once(stream, "drain");
      }
      await echoed;
      expect(found.digest("hex")).toBe(hash);
    });
  });

  it("ends a forwarding when the port does, and says when nobody listens", async () => {
    expect(await text(await cluster.forward({ ...pod, port: 7778 }))).toBe("bye");
    await expect(text(await cluster.forward({ ...pod, port: 7 }))).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: expect.stringContaining("connection refused"),
    });
  });

  it("gives a container's log: its end, what is yet to come, and that of the one before", async () => {
    expect(await text(await cluster.logs(pod, { tail: 1 }))).toBe("started\n");
    const command = ["sh", "-c", 'echo "run $$ of $(date +%N)"; sleep 1; echo last; exit 3'];
    const { tag } = standInImage;
    const containers = [{ name: "main", image: tag, imagePullPolicy: "IfNotPresent", command }];
    await cluster.create(podObject("again", { containers }));
    const again = { namespace: here, pod: "again" };
    const signal = new AbortController().signal;
    for await (const { object } of cluster.watch(pods, here, {
      ...{ fields: "metadata.name=again", signal },
    })) {
      if (object.status?.containerStatuses?.[0]?.state?.running !== undefined) break;
    }
    const followed = await text(await cluster.logs(again, { follow: true }));
    expect(followed).toMatch(/^run .*\nlast\n$/);
    await bed.wait(here, "pod/again", "jsonpath={.status.containerStatuses[0].restartCount}=1");
    expect(await text(await cluster.logs(again, { previous: true }))).toBe(followed);
  });
});
