import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import type { Application } from "../../../src/config/application.ts";
import { loadApplication } from "../../../src/config/load-application.ts";
import { discover } from "../../../src/controller/discover/discover.ts";
import {
  isOneOf,
  nameOfChart,
  versionOfChart,
} from "../../../src/controller/discover/helm-labels.ts";
import {
  fromHelm2ConfigMap,
  fromHelm3Secret,
  fromHelmList,
} from "../../../src/controller/discover/helm-record.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import { type FakeCluster, fakeCluster } from "../../support/fake-cluster.ts";
import { settled } from "../../support/settled.ts";
import { helmList, type StandInOptions, standIn } from "../../support/stand-in.ts";
import { tempDir } from "../../support/temp-dir.ts";

let mvi: Application;
beforeAll(async () => {
  mvi = await loadApplication("mvi");
});

const chart = "ibm-visual-inspection-prod-3.0.0";
const source = { namespace: "default", side: "source", password: "p" } satisfies StandInOptions;

/** A release of which only Helm can tell: nothing bears a label or the usual name. */
function bare(): KubeObject[] {
  const objects = settled(standIn(source)).filter(({ kind, metadata }) => {
    return metadata.name !== "vision-config" && !(kind === "Secret" && "owner" in metadata.labels!);
  });
  const text = JSON.stringify(objects)
    .replaceAll(/"(release|chart)":"[^"]*",?/g, "")
    .replaceAll("vision-taskanaly", "worker")
    .replaceAll("vision-portal", "front");
  return JSON.parse(text) as KubeObject[];
}

async function ask(objects: KubeObject[], helm: string[] = [], may?: FakeCluster["may"]) {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } };
  const cluster = fakeCluster({
    ...{ namespace: "default", objects: [namespace, ...objects] },
    ...(may === undefined ? {} : { may }),
  });
  const config = { cluster: {} };
  return discover({
    ...{ side: "source", config, cluster, application: mvi, needsDatabase: true, helm },
  });
}

/** A program that prints what Helm would, and refuses to be asked for anything else. */
function helmProgram(output: string): string {
  const path = join(tempDir(), "helm.sh");
  const script = `#!/bin/sh\n[ "$*" = "list --namespace default --output json" ] || exit 1\ncat <<'END'\n${output}\nEND\n`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

/** One field of a Protocol Buffers message, as Helm 2 has its releases. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length =
    bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

function tillerMap(name: string, version: number, chartName: string): KubeObject {
  const about = [
    field(1, chartName),
    field(3, "x".repeat(200)),
    field(4, "1.2.0"),
    field(13, "1.1.5"),
  ];
  const release = Buffer.concat([
    field(1, name),
    field(3, field(1, Buffer.concat(about))),
    Buffer.from([7 << 3, 3]),
    field(8, "default"),
  ]);
  const labels = { OWNER: "TILLER", NAME: name, STATUS: "DEPLOYED", VERSION: String(version) };
  return {
    ...{ apiVersion: "v1", kind: "ConfigMap" },
    metadata: { name: `${name}.v${version}`, namespace: "kube-system", labels },
    data: { release: gzipSync(release).toString("base64") },
  };
}

function helmSecret(name: string, revision: number, status: string, version: string): KubeObject {
  const [object] = settled(standIn({ ...source, name, chart, version })).filter(({ metadata }) =>
    metadata.name.startsWith("sh.helm"),
  );
  const labels = { name, owner: "helm", status, version: String(revision) };
  const metadata = { ...object!.metadata, name: `sh.helm.release.v1.${name}.v${revision}`, labels };
  return { ...object!, metadata };
}

describe("a release that Helm alone tells", () => {
  it("is told by the newest deployed Secret of Helm 3", async () => {
    const found = await ask([
      ...bare(),
      helmSecret("vision", 9, "superseded", "1.0.0.0"),
      helmSecret("vision", 10, "deployed", "1.3.0.0"),
      helmSecret("vision", 2, "deployed", "1.1.0.0"),
    ]);
    const from = 'Secret "sh.helm.release.v1.vision.v10"';
    expect(found).toMatchObject({
      release: { value: "vision", from },
      chart: { value: chart, from },
      version: { value: "1.3.0.0", from },
      claim: { value: { name: "vision-data-pvc" } },
    });
  });

  it("is told by the ConfigMap of Helm 2", async () => {
    const found = await ask([...bare(), tillerMap("vision", 1, "ibm-powerai-vision-prod")]);
    expect(found).toMatchObject({
      release: { value: "vision", from: 'ConfigMap "vision.v1"' },
      chart: { value: "ibm-powerai-vision-prod-1.2.0" },
      version: { value: "1.1.5" },
    });
  });

  it.each([
    ["Helm 3", 3],
    ["V6: Helm 2", 2],
  ] as const)("is told by the list of %s on the host", async (_, version) => {
    const program = helmProgram(helmList(source, version));
    const found = await ask(bare(), ["/nowhere/helm.sh", program]);
    expect(found).toMatchObject({
      release: { value: "vision", from: program },
      chart: { value: chart, from: program },
    });
  });

  it("is told by labels before the host is asked", async () => {
    const labels = { chart, release: "vision" };
    const objects = bare().map((object) =>
      object.kind === "PersistentVolumeClaim"
        ? { ...object, metadata: { ...object.metadata, labels } }
        : object,
    );
    const program = helmProgram(`[{"name":"wrong","chart":"${chart}"}]`);
    const may: FakeCluster["may"] = (verb, plural) => verb === "get" || plural !== "secrets";
    const from = 'PersistentVolumeClaim "vision-data-pvc"';
    expect((await ask(objects, [program], may)).release).toEqual({ value: "vision", from });
  });

  it("is not another chart's", async () => {
    const other = helmProgram('[{"name":"db","chart":"mongodb-13.0.0","namespace":"default"}]');
    const elsewhere = helmProgram(`[{"name":"vision","chart":"${chart}","namespace":"elsewhere"}]`);
    const nonsense = helmProgram("Error: no");
    const objects = [...bare(), tillerMap("db", 1, "mongodb")];
    await expect(ask(objects, [other])).rejects.toMatchObject({ code: "E_DISCOVERY" });
    await expect(ask(objects, [nonsense, elsewhere])).rejects.toMatchObject({
      code: "E_DISCOVERY",
      message: expect.stringContaining("tells a release"),
    });
  });

  it("is one of two that are listed", async () => {
    const rows = ["a", "b"].map((name) => ({ name, chart, namespace: "default" }));
    const program = helmProgram(JSON.stringify(rows));
    await expect(ask(bare(), [program])).rejects.toMatchObject({
      code: "E_DISCOVERY",
      fields: { problems: [`a: ${program}`, `b: ${program}`] },
    });
  });
});

describe("what Helm keeps", () => {
  it.each([
    ["nothing", {}],
    ["no gzip", { release: Buffer.from("bm9uZQ==").toString("base64") }],
    ["no JSON", { release: twice(gzipSync("none")) }],
    ["another JSON", { release: twice(gzipSync("{}")) }],
  ])("tells nothing where a Secret holds %s", (_, data) => {
    expect(fromHelm3Secret({ metadata: { name: "s" }, data })).toBeUndefined();
  });

  it.each([
    ["nothing", ""],
    ["text", gzipSync("none").toString("base64")],
    ["a length beyond the end", gzipSync(Buffer.from([10, 200, 1, 1])).toString("base64")],
    ["a number without an end", gzipSync(Buffer.alloc(20, 255)).toString("base64")],
  ])("tells nothing where a ConfigMap holds %s", (_, release) => {
    expect(fromHelm2ConfigMap({ metadata: { name: "m" }, data: { release } })).toBeUndefined();
  });

  it("is an empty list where Helm 2 prints nothing, and none where it prints something else", () => {
    expect(fromHelmList("\n", "helm")).toEqual([]);
    expect(fromHelmList("NAME CHART", "helm")).toBeUndefined();
    expect(fromHelmList("{}", "helm")).toBeUndefined();
  });

  function twice(bytes: Buffer): string {
    return Buffer.from(bytes.toString("base64")).toString("base64");
  }
});

it.each([
  ["ibm-visual-inspection-prod-3.0.0", "ibm-visual-inspection-prod", "3.0.0"],
  ["x-v1.2.3-rc.1", "x", "v1.2.3-rc.1"],
])("takes chart %s apart", (text, name, version) => {
  expect([nameOfChart(text), versionOfChart(text, name)]).toEqual([name, version]);
});

it("takes no chart for one whose name it begins with", () => {
  expect(isOneOf("ibm-visual-inspection-prod-extra-1.0.0", ["ibm-visual-inspection-prod"])).toBe(
    false,
  );
});
