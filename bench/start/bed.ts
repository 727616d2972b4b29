import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { makeSelfSigned } from "../../test/support/certificates.ts";
import { listening } from "../../test/support/proxies.ts";
import { makeDir, removeTree } from "../../test/support/temp-dir.ts";
import { type Cost, cpuMsOf, measured, peakRssOf } from "../common/measure.ts";
import { makeDeliveredPrograms } from "../common/programs.ts";

/** The works of which the beginning is measured, by name. */
export async function makeBed() {
  const folder = makeDir();
  const { migctl } = await makeDeliveredPrograms(join(folder, "programs"));
  const pem = readFileSync(makeSelfSigned(folder, "api"));
  const server = createServer({ key: pem, cert: pem });
  const port = await listening(server);
  const context = { cluster: "c", user: "u", namespace: "mvi" };
  const kubeconfig = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "one" },
    contexts: [{ name: "one", context }],
    clusters: [{ name: "c", cluster: clusterAt(port, pem) }],
    users: [{ name: "u", user: { token: "t" } }],
  };
  writeFileSync(join(folder, "kubeconfig"), JSON.stringify(kubeconfig), { mode: 0o600 });
  const side = { cluster: { kubeconfig: "kubeconfig", context: "one" }, namespace: "mvi" };
  writeFileSync(join(folder, "network.json"), JSON.stringify({ source: side, destination: side }));

  const toEnd = (...args: string[]) =>
    measured({ name: "migctl", file: process.execPath, args: [migctl, ...args], cwd: folder });

  /** What it took until the API heard of it; it is ended then. */
  async function toFirstRequest(...args: string[]): Promise<Cost> {
    const begin = performance.now();
    const child = spawn(process.execPath, [migctl, ...args], { cwd: folder, stdio: "ignore" });
    const ended = once(child, "exit");
    const asked = once(server, "request").then(() => true);
    if (!(await Promise.race([asked, ended.then(() => false)]))) {
      throw new Error(`migctl ${args.join(" ")} ended without a request`);
    }
    const cost = { wallMs: performance.now() - begin, cpuMs: cpuMsOf(child.pid ?? 0) };
    const peakRssBytes = peakRssOf(child.pid ?? 0);
    child.kill("SIGKILL");
    await ended;
    return { ...cost, peakRssBytes };
  }

  return {
    works: {
      "migctl --help": () => toEnd("--help"),
      "migctl --status, up to its first request": () => toFirstRequest("--status"),
    } satisfies Record<string, () => Promise<Cost>>,
    async close() {
      server.closeAllConnections();
      server.close();
      removeTree(folder);
    },
  };
}

function clusterAt(port: number, pem: Buffer) {
  const [, certificate = ""] = pem.toString().split("-----BEGIN CERTIFICATE-----");
  const ca = `-----BEGIN CERTIFICATE-----${certificate}`;
  return {
    server: `https://127.0.0.1:${port}`,
    "certificate-authority-data": Buffer.from(ca).toString("base64"),
  };
}
