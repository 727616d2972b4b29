import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Application } from "../../../src/config/application.ts";
import { loadApplication } from "../../../src/config/load-application.ts";
import {
  compareVersions,
  parseVersion,
} from "../../../src/controller/discover/compare-versions.ts";
import { discover } from "../../../src/controller/discover/discover.ts";
import { refuseDowngrade } from "../../../src/controller/discover/refuse-downgrade.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import { type FakeCluster, fakeCluster } from "../../support/fake-cluster.ts";
import { settled } from "../../support/settled.ts";
import { type StandInOptions, standIn } from "../../support/stand-in.ts";

let mvi: Application;
beforeAll(async () => {
  mvi = await loadApplication("mvi");
});

describe("versions", () => {
  it.each([
    ["1.3.0.0", "8.2.0-pre.dev84"],
    ["1.3.0.0", "1.3.0.1"],
    ["1.9.0", "1.10.0"],
    ["1.3", "1.3.0.1"],
    ["8.2.0-pre.dev84", "8.2.0"],
    ["8.2.0-pre.dev9", "8.2.0-pre.dev84"],
    ["8.2.0-pre.2", "8.2.0-pre.10"],
    ["8.2.0-2", "8.2.0-pre"],
    ["8.2.0-pre", "8.2.0-pre.1"],
    ["v8.2.0-amd64", "8.2.1"],
  ])("%s is older than %s", (older, newer) => {
    const [a, b] = [parseVersion(older)!, parseVersion(newer)!];
    expect([compareVersions(a, b) < 0, compareVersions(b, a) > 0]).toEqual([true, true]);
  });

  it.each([
    ["1.3", "1.3.0.0"],
    ["8.2.0", "v8.2.0"],
    ["8.2.0", "8.2.0-ppc64le"],
    ["8.2.0+a", "8.2.0+b"],
  ])("%s is the same as %s", (one, other) => {
    expect(compareVersions(parseVersion(one)!, parseVersion(other)!)).toBe(0);
  });

  it.each(["latest", "", "8", "main-2024", "sha256:abc", "x1.2"])("%j is none", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });
});

describe("a downgrade", () => {
  const told = (value: string, from: string) => ({ value, from });

  it("is refused, with who told the versions and what can be done", () => {
    const source = { version: told("8.2.0", 'Secret "s"') };
    const destination = { version: told("8.1.3", "image of D") };
    expect(() => refuseDowngrade(source, destination)).toThrow(
      expect.objectContaining({
        code: "E_VERSION",
        exitCode: 6,
        message:
          "The destination's version 8.1.3 (image of D) is older than the source's 8.2.0 (Secret \"s\")",
        hint: expect.stringContaining("--set destination.version=VERSION"),
      }),
    );
  });

  it("of the same chart is refused where nothing better is told", () => {
    const of = (version: string) => ({ chart: told(`ibm-visual-inspection-prod-${version}`, "S") });
    expect(() => refuseDowngrade(of("3.1.0"), of("3.0.9"))).toThrow(
      expect.objectContaining({ code: "E_VERSION" }),
    );
    expect(() => refuseDowngrade(of("3.0.0"), of("3.0.0"))).not.toThrow();
  });

  it.each([
    ["an upgrade", { version: told("1.3.0.0", "a") }, { version: told("8.2.0-pre.dev84", "b") }],
    ["the same version", { version: told("8.2.0", "a") }, { version: told("8.2.0", "b") }],
    ["a version that one side does not tell", { version: told("8.2.0", "a") }, {}],
    ["what is no version", { version: told("8.2.0", "a") }, { version: told("old", "b") }],
    ["another chart", { chart: told("a-2.0.0", "a") }, { chart: told("b-1.0.0", "b") }],
  ])("is not %s", (_, source, destination) => {
    expect(() => refuseDowngrade(source, destination)).not.toThrow();
  });
});

describe("the product's version", () => {
  const options = { namespace: "mvi", side: "destination", password: "p" } satisfies StandInOptions;
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function ask(objects: KubeObject[], forward?: FakeCluster["forward"]) {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "mvi" } };
    const cluster = fakeCluster({
      ...{ namespace: "mvi", objects: [namespace, ...objects] },
      ...(forward === undefined ? {} : { forward }),
    });
    const found = await discover({
      ...{ side: "destination", config: { cluster: {} }, cluster, application: mvi },
      needsDatabase: true,
    });
    return found.version;
  }

  /** Answers at the far end of the port-forward. */
  async function serve(answer: RequestListener): Promise<number> {
    server = createServer(answer).listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  function withImage(image: string): KubeObject[] {
    const text = JSON.stringify(standIn(options)).replaceAll(
      /"image":"[^"]*"/g,
      `"image":"${image}"`,
    );
    return settled(JSON.parse(text) as KubeObject[]);
  }

  it("is told by the tag of an image of its own", async () => {
    expect(await ask(withImage("registry.example:5000/cp/vision-taskanaly:8.2.1-amd64"))).toEqual({
      value: "8.2.1-amd64",
      from: 'image of Deployment "masmvi-taskanaly"',
    });
  });

  it.each([
    ["another image's tag", "registry.example/mongo:6.0.27"],
    ["a tag that is no version", "registry.example/vision-taskanaly:latest"],
    ["a digest", `registry.example:5000/vision-taskanaly@sha256:${"a".repeat(64)}`],
  ])("is not told by %s", async (_, image) => {
    const forward = () => Promise.reject(new MigrationError("E_UNAVAILABLE", "no"));
    expect(await ask(withImage(image), forward)).toBeUndefined();
  });

  it("is asked over HTTP, by way of a port-forward to a pod that is Ready", async () => {
    const seen: unknown[] = [];
    const port = await serve((request, response) => {
      seen.push(request.url);
      response.end('{"version":"8.2.0-pre.dev84"}');
    });
    const version = await ask(withImage("x:latest"), async (target) => {
      seen.push(target);
      return connect(port, "127.0.0.1");
    });
    expect(version).toEqual({ value: "8.2.0-pre.dev84", from: 'Service "masmvi-ui"' });
    const pod = "masmvi-ui-7c9-abcde";
    expect(seen).toEqual([{ namespace: "mvi", pod, port: 9080 }, "/api/version-info"]);
  });

  it.each<[string, RequestListener]>([
    ["does not answer with JSON", (_, response) => response.end("<html>")],
    ["answers without a version", (_, response) => response.end('{"version":"unknown"}')],
    ["hangs up", (request) => request.socket.destroy()],
    ["answers with a status of its own", (_, response) => response.writeHead(404).end("{}")],
  ])("is not told where the product %s", async (_, answer) => {
    const port = await serve(answer);
    expect(
      await ask(withImage("x:latest"), async () => connect(port, "127.0.0.1")),
    ).toBeUndefined();
  });

  it("is not asked where a port-forward is not allowed", async () => {
    const forward = () => Promise.reject(new MigrationError("E_PERMISSION", "forbidden"));
    expect(await ask(withImage("x:latest"), forward)).toBeUndefined();
  });
});
