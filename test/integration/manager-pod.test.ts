import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { renderMigration } from "../../src/controller/render/migration.ts";
import { podPaths } from "../../src/controller/render/pod-paths.ts";
import { Workload } from "../../src/kube/workloads.ts";
import { migrationFolder } from "../../src/plan/inputs.ts";
import type { PlanRequest } from "../../src/plan/make.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Status } from "../../src/state/status.ts";
import { programs } from "../support/migration.ts";
import { samplePlan, sampleRequest } from "../support/sample-plan.ts";
import { tempDir } from "../support/temp-dir.ts";
import { sampleInput } from "../unit/controller/render/sample-input.ts";

/** A folder with what a pod of the manager has, and the command that its template gives it. */
interface Pod {
  plan: Plan;
  folder: string;
  ready: string;
  terminationLog: string;
  planFile: string;
}

function makePod(changes: Partial<PlanRequest> = {}): Pod {
  const dir = tempDir();
  const source = join(dir, "source");
  const destination = join(dir, "destination");
  mkdirSync(join(source, "jane"), { recursive: true });
  mkdirSync(join(source, "logs"));
  mkdirSync(destination);
  writeFileSync(join(source, "jane", "small.txt"), "small");
  const plan = samplePlan({
    migrationType: "files",
    source: { kind: "local", dir: source, identity: "aaaa" },
    destination: { kind: "local", dir: destination, identity: "dddd" },
    workDir: join(source, "logs/migrations"),
    name: "shop-files-1",
    ...changes,
  });
  const pod = {
    plan,
    folder: migrationFolder(plan),
    ready: join(dir, "healthy"),
    terminationLog: join(dir, "termination-log"),
    planFile: join(dir, "plan.json"),
  };
  writeFileSync(pod.planFile, JSON.stringify(plan));
  writeFileSync(pod.terminationLog, "");
  return pod;
}

const slowly = { options: { ...sampleRequest().options, bandwidthLimit: 64 } };

/** Enough for ten seconds at the bandwidth of `slowly`. */
function addBigFile({ plan }: Pod) {
  writeFileSync(join(plan.source.dir, "jane", "big.bin"), Buffer.alloc(640 * 1024, 7));
}

interface Container {
  child: ChildProcess;
  log(): string;
  ended: Promise<number | null>;
}

interface Start {
  workload?: "deployment" | "job";
  attempt?: string;
  rerun?: boolean;
  /** In a namespace of its own, as process 1. */
  isolated?: boolean;
  edit?: (command: string) => string;
  uid?: number;
}

/** What the rendered pod has, with this machine's paths. */
function commandsOf(pod: Pod, { workload = "deployment", attempt = "a1", rerun = false }: Start) {
  const data = { claim: "data", mountPath: pod.plan.source.dir };
  const input = sampleInput({ workload, attempt, rerun, data });
  const { spec } = Workload.parse(renderMigration(input).at(-1));
  const [container] = spec.template.spec.containers;
  const lifecycle = container?.["lifecycle"] as { preStop: { exec: { command: string[] } } };
  function here(text: string): string {
    return text
      .replaceAll("/tmp/healthy", pod.ready)
      .replace(podPaths.plan, pod.planFile)
      .replace(" migmgr ", ` ${process.execPath} ${programs.migmgr} `);
  }
  return {
    run: here(container?.args?.[0] ?? ""),
    preStop: here(lifecycle.preStop.exec.command[2] ?? ""),
  };
}

function start(pod: Pod, options: Start = {}): Container {
  const { isolated = false, edit = String, uid } = options;
  const text = edit(commandsOf(pod, options).run);
  // Without an init its warning that it is none is all that differs.
  const command = isolated ? text : text.replace("tini -- ", "");
  const [program, ...args] = isolated
    ? ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", command]
    : ["/bin/sh", "-c", command];
  const child = spawn(program!, args, {
    stdio: ["ignore", "ignore", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
    env: {
      ...process.env,
      MIGCTL_READY_FILE: pod.ready,
      MIGCTL_TERMINATION_LOG: pod.terminationLog,
    },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, log: () => log, ended };
}

async function until(what: string, condition: () => boolean) {
  for (let tries = 0; tries < 2000; tries += 1) {
    if (condition()) return;
    await sleep(20);
  }
  throw new Error(`It did not come to this: ${what}`);
}

async function isOver(container: Container) {
  await until("it is over", () => {
    if (container.child.exitCode !== null) throw new Error(`It ended: ${container.log()}`);
    return container.log().includes("Over; waiting to be stopped");
  });
}

/** As the kubelet does, but for the preStop hook. */
async function stop({ child, ended }: Container): Promise<number | null> {
  child.kill("SIGTERM");
  return await ended;
}

function json(path: string) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function resultOf(pod: Pod, attempt = "a1") {
  return json(join(pod.folder, `result-${attempt}.json`));
}

function statusOf({ folder }: Pod): Status {
  return json(join(folder, "status.json"));
}

async function isSyncing(pod: Pod) {
  await until("files are sent", () => {
    if (!existsSync(join(pod.folder, "status.json"))) return false;
    const [item] = statusOf(pod).items;
    return item?.steps.some(({ id, state }) => id === "files-sync" && state === "running") ?? false;
  });
}

/** The file's name tells the pod; a new one has another. */
function moveToAnotherPod(pod: Pod) {
  const path = join(pod.folder, "result-a1.json");
  writeFileSync(path, JSON.stringify({ ...resultOf(pod), host: "another-pod" }));
}

describe("a migration that is over", () => {
  it("waits to be stopped, and then ends with 0", async () => {
    const pod = makePod();
    const container = start(pod);
    await isOver(container);
    expect(resultOf(pod)).toMatchObject({ name: "shop-files-1", attempt: "a1", exitCode: 0 });
    expect(json(pod.terminationLog)).toEqual({ exitCode: 0 });
    expect(existsSync(pod.ready)).toBe(true);
    expect(existsSync(join(pod.plan.source.dir, "logs/migration"))).toBe(true);
    expect(readFileSync(join(pod.plan.destination.dir, "jane/small.txt"), "utf8")).toBe("small");
    expect(await stop(container)).toBe(0);
  });

  it("is not done again by a restart, nor by another start", async () => {
    const pod = makePod();
    const first = start(pod);
    await isOver(first);
    first.child.kill("SIGKILL");
    await first.ended;
    const { seq } = statusOf(pod);
    for (const attempt of ["a1", "a2"]) {
      const next = start(pod, { attempt });
      await isOver(next);
      expect(next.log()).toContain("Already done");
      expect(await stop(next)).toBe(0);
      expect(resultOf(pod, attempt)).toMatchObject({ attempt, exitCode: 0 });
    }
    expect(statusOf(pod).seq).toBe(seq);
  });

  it("is done again once where that is asked for, however often its pod restarts", async () => {
    const pod = makePod();
    const first = start(pod);
    await isOver(first);
    await stop(first);
    for (const _restart of [1, 2]) {
      const next = start(pod, { attempt: "a2", rerun: true });
      await isOver(next);
      await stop(next);
      expect(statusOf(pod)).toMatchObject({ run: "a2", generation: 2, state: "done" });
    }
  });
});

interface Ending {
  what: string;
  exitCode: number;
  code?: string;
  make(): Pod;
  edit?: (command: string) => string;
}

const endings: Ending[] = [
  {
    what: "3: something was left out",
    exitCode: 3,
    make() {
      const pod = makePod();
      mkdirSync(join(pod.plan.destination.dir, "jane"));
      writeFileSync(join(pod.plan.destination.dir, "jane/small.txt"), "theirs");
      return pod;
    },
  },
  {
    what: "2: a step failed",
    exitCode: 2,
    code: "E_FOLDER",
    make() {
      const pod = makePod();
      rmSync(pod.plan.destination.dir, { recursive: true });
      return pod;
    },
  },
  {
    what: "2: the plan is of another version",
    exitCode: 2,
    code: "E_CONFIG",
    make() {
      const pod = makePod();
      writeFileSync(pod.planFile, JSON.stringify({ ...pod.plan, novelty: 1 }));
      return pod;
    },
  },
  {
    what: "6: the plan is another one",
    exitCode: 6,
    code: "E_PLAN_CHANGED",
    make() {
      const pod = makePod();
      mkdirSync(pod.folder, { recursive: true });
      const earlier = { ...pod.plan, fingerprint: "other" };
      writeFileSync(join(pod.folder, "plan.json"), JSON.stringify(earlier));
      return pod;
    },
  },
  {
    what: "8: nothing tells how far it is",
    exitCode: 8,
    code: "E_INTEGRITY",
    make() {
      const pod = makePod();
      mkdirSync(pod.folder, { recursive: true });
      writeFileSync(join(pod.folder, "status.json"), "{");
      return pod;
    },
  },
];

describe("a migration that ends otherwise", () => {
  it.each(endings)("waits as well, and tells why: $what", async ({ exitCode, code, make }) => {
    const pod = make();
    const expected = { exitCode, ...(code === undefined ? {} : { error: { code } }) };
    for (const _restart of [1, 2]) {
      const container = start(pod);
      await isOver(container);
      expect(resultOf(pod)).toMatchObject(expected);
      expect(json(pod.terminationLog)).toMatchObject(expected);
      if (code !== undefined) expect(container.log()).toContain(code);
      expect(await stop(container)).toBe(0);
    }
  });

  it.each(["plan", "flag"])("waits where the %s cannot be read at all", async (what) => {
    const pod = makePod();
    if (what === "plan") renameSync(pod.planFile, `${pod.planFile}.moved`);
    const edit = (command: string) =>
      what === "flag" ? command.replace("--attempt", "--novelty") : command;
    const container = start(pod, { edit });
    await until("it tells", () => container.log().includes("E_"));
    if (what === "plan") {
      await isOver(container);
      expect(json(pod.terminationLog)).toMatchObject({ exitCode: 2, error: { code: "E_CONFIG" } });
    }
    // Had it ended by itself, that would be with 2.
    expect(await stop(container)).toBe(0);
  });

  it.skipIf(process.getuid?.() !== 0)("waits where it must not write at all", async () => {
    const pod = makePod();
    chmodSync(dirname(pod.planFile), 0o755);
    chmodSync(pod.terminationLog, 0o666);
    const container = start(pod, { uid: 65534 });
    await isOver(container);
    expect(json(pod.terminationLog)).toMatchObject({
      exitCode: 4,
      error: { code: "E_PERMISSION" },
    });
    expect(container.log()).toContain("Let the user of this process write there");
    expect(await stop(container)).toBe(0);
  });

  it("waits where another manager has the lock, whose work it leaves alone", async () => {
    const pod = makePod(slowly);
    addBigFile(pod);
    const first = start(pod);
    await isSyncing(pod);
    const second = start(pod, { attempt: "a2" });
    await isOver(second);
    expect(resultOf(pod, "a2")).toMatchObject({ exitCode: 7, error: { code: "E_LOCKED" } });
    expect(await stop(second)).toBe(0);
    await isOver(first);
    expect(resultOf(pod)).toMatchObject({ exitCode: 0 });
    await stop(first);
  });
});

describe("a migration that failed", () => {
  function unreachable(): Pod {
    const dir = tempDir();
    const uriFile = join(dir, "uri");
    writeFileSync(uriFile, "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200");
    const pod = makePod();
    const database = { uriFile, database: "SHOP" };
    return makePod({
      ...{ migrationType: "full", workDir: pod.plan.workDir },
      source: { ...pod.plan.source, database },
      destination: { ...pod.plan.destination, database },
    });
  }

  function attemptsOf(pod: Pod): number | undefined {
    return statusOf(pod).items[0]?.steps[0]?.attempts;
  }

  it("is tried again by a new pod only, and only what may have passed", async () => {
    const pod = unreachable();
    async function restart() {
      const container = start(pod);
      await isOver(container);
      await stop(container);
      expect(resultOf(pod)).toMatchObject({ exitCode: 5, error: { code: "E_UNAVAILABLE" } });
    }
    await restart();
    await restart();
    expect(attemptsOf(pod)).toBe(1);
    moveToAnotherPod(pod);
    await restart();
    expect(attemptsOf(pod)).toBe(2);
  });

  it("is tried again when somebody asks for it", async () => {
    const pod = makePod();
    rmSync(pod.plan.destination.dir, { recursive: true });
    const first = start(pod);
    await isOver(first);
    await stop(first);
    moveToAnotherPod(pod);
    const inNewPod = start(pod);
    await isOver(inNewPod);
    await stop(inNewPod);
    expect(attemptsOf(pod)).toBe(1);
    mkdirSync(pod.plan.destination.dir);
    const asked = start(pod, { attempt: "a2" });
    await isOver(asked);
    expect(resultOf(pod, "a2")).toMatchObject({ exitCode: 0 });
    await stop(asked);
  });
});

describe("a Job's manager", () => {
  it("ends with its own exit code, and so does each restart", async () => {
    const pod = makePod();
    rmSync(pod.plan.destination.dir, { recursive: true });
    for (const _restart of [1, 2]) expect(await start(pod, { workload: "job" }).ended).toBe(2);
    expect(statusOf(pod).items[0]?.steps[0]?.attempts).toBe(1);
    const done = makePod();
    expect(await start(done, { workload: "job" }).ended).toBe(0);
    expect(json(done.terminationLog)).toEqual({ exitCode: 0 });
  });
});

describe("a manager that is stopped while it works", () => {
  it("writes its checkpoint and ends with 143; the next one goes on", async () => {
    const pod = makePod(slowly);
    addBigFile(pod);
    const container = start(pod);
    await isSyncing(pod);
    expect(await stop(container)).toBe(143);
    expect(statusOf(pod)).toMatchObject({ state: "interrupted", exitCode: 143 });
    expect(json(pod.terminationLog)).toEqual({ exitCode: 143 });
    expect(existsSync(join(pod.folder, "result-a1.json"))).toBe(false);
    const next = start(pod);
    await isOver(next);
    expect(resultOf(pod)).toMatchObject({ exitCode: 0 });
    const [item] = statusOf(pod).items;
    expect(item?.steps.find(({ id }) => id === "inventory")?.attempts).toBe(1);
    await stop(next);
  });

  it("goes on after it was killed, in the same pod", async () => {
    const pod = makePod(slowly);
    addBigFile(pod);
    const container = start(pod);
    await isSyncing(pod);
    container.child.kill("SIGKILL");
    await container.ended;
    const next = start(pod);
    await isOver(next);
    expect(resultOf(pod)).toMatchObject({ exitCode: 0 });
    await stop(next);
  });

  it("has its checkpoint before the preStop hook ends, and waits for SIGTERM then", async () => {
    const pod = makePod(slowly);
    addBigFile(pod);
    const container = start(pod);
    await isSyncing(pod);
    expect(runPreStop(pod, container, String(container.child.pid))).toBe(0);
    expect(statusOf(pod)).toMatchObject({ state: "interrupted", exitCode: 143 });
    expect(container.child.exitCode).toBe(null);
    expect(await stop(container)).toBe(143);
  });

  it("lets the preStop hook end at once when it is over", async () => {
    const pod = makePod();
    const container = start(pod);
    await isOver(container);
    expect(runPreStop(pod, container, String(container.child.pid))).toBe(0);
    expect(await stop(container)).toBe(0);
  });
});

function runPreStop(pod: Pod, container: Container, target: string): number | null {
  const text = commandsOf(pod, {}).preStop.replace("kill -USR2 1;", `kill -USR2 ${target};`);
  expect(text).toContain(target);
  const { status } = spawnSync("/bin/sh", ["-c", text], { timeout: 60_000 });
  expect(existsSync(pod.ready), container.log()).toBe(false);
  return status;
}

const canIsolate =
  process.getuid?.() === 0 &&
  spawnSync("tini", ["--version"]).status === 0 &&
  spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0;

describe.skipIf(!canIsolate)("a manager in a container of its own, behind an init", () => {
  it("is told by the preStop hook and by SIGTERM to process 1", async () => {
    const pod = makePod(slowly);
    addBigFile(pod);
    const container = start(pod, { isolated: true });
    await isSyncing(pod);
    const [init] = readFileSync(
      `/proc/${container.child.pid}/task/${container.child.pid}/children`,
      "utf8",
    ).split(" ");
    const { preStop } = commandsOf(pod, {});
    const inside = ["--target", init!, "--pid", "--mount", "/bin/sh", "-c", preStop];
    expect(spawnSync("nsenter", inside, { timeout: 60_000 }).status).toBe(0);
    expect(statusOf(pod)).toMatchObject({ state: "interrupted", exitCode: 143 });
    process.kill(Number(init), "SIGTERM");
    expect(await container.ended).toBe(143);
  });
});
