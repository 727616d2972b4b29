import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import { programs } from "../support/migration.ts";
import { makeDir, removeTree, tempDir } from "../support/temp-dir.ts";
import { atTerminal, keys, type Step } from "../support/terminal.ts";

const { enter, down, stop } = keys;
let bed: ClusterBed;
let folder: string;
let kubeconfig: string;
let server: string;

describe.skipIf(noCluster)("migctl init in a real cluster", () => {
  beforeAll(async () => {
    folder = makeDir();
    bed = await makeBed(testCluster(), { folder });
    server = JSON.parse(readFileSync(bed.network, "utf8")).source.cluster.server;
    kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, JSON.stringify(contexts()), { mode: 0o600 });
  });
  afterAll(async () => {
    await bed?.remove();
    if (folder) removeTree(folder);
  });

  it("writes by flags what migctl doctor then finds healthy", async () => {
    const out = join(tempDir(), "network.json");
    const ran = await migctl("init", "--out", out, ...bothContexts());
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(ran.stdout).toContain(`Next: migctl doctor --network ${out}`);
    expect(ran.stderr).toContain("claim: vision-data-pvc 1Gi ReadWriteMany local (by ConfigMap");
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const doctor = await migctl("doctor", "--skip-pod", "--network", out);
    expect(doctor).toMatchObject({ exitCode: 0 });
    for (const canary of bed.canaries) {
      expect(ran.stdout + ran.stderr + readFileSync(out, "utf8")).not.toContain(canary);
    }
  });

  it("asks at a terminal, offers the contexts, and keeps a typed token to itself", async () => {
    const place = tempDir();
    const out = join(place, "network.json");
    const token = readFileSync(join(folder, "destination-token"), "utf8");
    const steps: Step[] = [
      ["How is the source's cluster reached?", enter],
      ["In which namespace is the source?", enter],
      ["How is the destination's cluster reached?", `${down}${down}${enter}`],
      ["The URL of the destination's API", `${server}${enter}`],
      ["Where is the token of the destination's API?", `${down}${down}${enter}`],
      ["The token of the destination's API", `${token}${enter}`],
      ["The file of its CA certificate", `${join(folder, "ca.crt")}${enter}`],
      ["In which namespace is the destination?", `${bed.destination.namespace}${enter}`],
      [`Write ${out}?`, enter],
    ];
    const { code, screen } = await interactive(["init", "--out", out], steps);
    expect(code, screen).toBe(0);
    expect(screen).toContain("context from");
    expect(screen).toContain('release: masmvi (by Pod "masmvi-taskanaly-');
    expect(screen).not.toContain(token);
    expect(readFileSync(out, "utf8")).not.toContain(token);
    const file = join(place, "network.destination-token");
    expect(readFileSync(file, "utf8")).toBe(token);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await migctl("doctor", "--skip-pod", "--network", out)).toMatchObject({ exitCode: 0 });
  });

  it("writes nothing when it is stopped at a question", async () => {
    const place = tempDir();
    const args = ["init", "--out", join(place, "network.json")];
    const steps: Step[] = [
      ["How is the source's cluster reached?", enter],
      ["In which namespace is the source?", stop],
    ];
    const { code } = await interactive(args, steps);
    expect(code).toBe(130);
    expect(readdirSync(place)).toEqual([]);
  });

  it("asks nothing where that is not wanted", async () => {
    const place = tempDir();
    const args = ["init", "--no-input", "--out", join(place, "network.json")];
    const { code, screen } = await interactive(args, []);
    expect(code).toBe(2);
    expect(screen).toContain("Give --dest-context, or --dest-server with --dest-token-file");
    expect(readdirSync(place)).toEqual([]);
  });
});

function bothContexts(): string[] {
  return ["--source-context", "from", "--dest-context", "to"];
}

/** As an operator has it who may do in each namespace what is documented, and nothing else. */
function contexts() {
  const sides = [
    { name: "from", side: "source" as const },
    { name: "to", side: "destination" as const },
  ];
  return {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "from" },
    clusters: [{ name: "one", cluster: { server, "certificate-authority": "ca.crt" } }],
    users: sides.map(({ name, side }) => ({ name, user: { tokenFile: `${side}-token` } })),
    contexts: sides.map(({ name, side }) => ({
      name,
      context: { cluster: "one", user: name, namespace: bed[side].namespace },
    })),
  };
}

async function migctl(...args: string[]) {
  return await execa(process.execPath, [programs.migctl, ...args], {
    ...{ reject: false, stdin: "ignore" },
    env: { KUBECONFIG: kubeconfig, HOME: "/nowhere" },
  });
}

async function interactive(args: string[], steps: Step[]) {
  const command = [process.execPath, programs.migctl, ...args];
  return await atTerminal(command, steps, { KUBECONFIG: kubeconfig, HOME: "/nowhere" });
}
