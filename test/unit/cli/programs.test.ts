import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { cliCommands } from "../../../src/cli/commands.ts";
import { makeCliContext } from "../../../src/cli/context.ts";
import { options } from "../../../src/config/options.ts";
import { type Command, runProgram } from "../../../src/core/command.ts";
import { managerCommands } from "../../../src/manager/commands.ts";
import type { ManagerContext } from "../../../src/manager/context.ts";
import { samplePlan } from "../../support/sample-plan.ts";
import { captureOutput } from "../../support/sinks.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { addMigration } from "../state/sample.ts";

/** migctl in this process, as its main.ts puts it together. */
async function migctl(...argv: string[]) {
  const { out, stdout, stderr } = captureOutput();
  const exitCode = await runProgram(
    {
      name: "migctl",
      describe: "moves",
      version: "1.2.3",
      commands: cliCommands,
      commandFlags: { status: "status" },
      globals: { output: options.output, progress: options.progress },
      makeContext: async (globals) => makeCliContext(globals, out),
      env: {},
      out,
    },
    argv,
  );
  return { exitCode, stdout: stdout(), stderr: stderr() };
}

/** migmgr, likewise. */
async function migmgr(...argv: string[]) {
  const { out, stdout, stderr } = captureOutput();
  const context = { out, format: "table" } as ManagerContext;
  const exitCode = await runProgram(
    {
      name: "migmgr",
      describe: "moves",
      version: "1.2.3",
      commands: managerCommands,
      globals: {},
      makeContext: async () => context,
      env: {},
      out,
    },
    argv,
  );
  return { exitCode, stdout: stdout(), stderr: stderr() };
}

it("names what is needed when it is given nothing, or only what to move", async () => {
  const alone = await migctl();
  expect(alone.exitCode).toBe(2);
  expect(alone.stderr).toMatchInlineSnapshot(`
    "Error: --source-dir is needed; --dest-dir is needed; --source-uri-file is needed to move documents; --dest-uri-file is needed to move documents (E_USAGE)
      See --help for what each flag takes
    "
  `);
  expect(await migctl("start")).toEqual(alone);
  expect(await migctl("--migrationType", "full")).toEqual(alone);
});

it("shows the status by flag as by command", async () => {
  const dir = tempDir();
  const byCommand = await migctl("status", "--source-dir", dir);
  expect(byCommand.stderr).toBe(
    `Error: There is no migration in "${dir}/logs/migrations" (E_NO_MIGRATION)\n` +
      "  Start one with migctl start, or name the place with --source-dir or --work-dir\n",
  );
  expect(await migctl("--status", "--source-dir", dir)).toEqual(byCommand);
  expect(await migctl("--source-dir", dir, "--status")).toEqual(byCommand);
});

it("shows the migrations that can be read where one is damaged, and says what is to be done", async () => {
  const place = tempDir();
  const plan = JSON.stringify(samplePlan());
  await addMigration(place, "one", plan.slice(0, -20));
  const damage =
    `"${place}/one/plan.json" is damaged: it is no plan (E_INTEGRITY)\n` +
    "  Look for what damaged it, then begin anew with --rerun: what was moved is found again\n";
  const at = ["--work-dir", place];
  for (const ran of [
    await migctl("status", ...at),
    await migctl("status", ...at, "--name", "one"),
    await migmgr("list", ...at),
  ]) {
    expect(ran).toEqual({ exitCode: 8, stdout: "", stderr: `Error: ${damage}` });
  }
  await addMigration(place, "two", plan);
  for (const ran of [await migctl("status", ...at), await migmgr("list", ...at)]) {
    expect(ran).toMatchObject({ exitCode: 0, stderr: `Migration "one" is not shown: ${damage}` });
    expect(ran.stdout).toContain(samplePlan().name);
  }
  const one = await migctl("status", ...at, "--name", samplePlan().name, "-o", "json");
  expect(one).toMatchObject({ exitCode: 0, stderr: "" });
  // Which one is meant is not guessed.
  expect(await migctl("report", ...at)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(`There are 2 migrations in "${place}"`),
  });
});

it.each(["status", "report", "verify"])(
  "says for %s where migrations are looked for",
  async (command) => {
    const { exitCode, stderr } = await migctl(command);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--source-dir DIR"),
    });
  },
);

it("prints an unknown application as JSON", async () => {
  const flags = [
    "--source-dir",
    "/a",
    "--source-uri-file",
    "a",
    "--dest-dir",
    "/d",
    "--dest-uri-file",
    "d",
  ];
  const { exitCode, stdout } = await migctl(
    "plan",
    ...flags,
    "--application",
    "nope",
    "-o",
    "json",
  );
  expect({ exitCode, code: JSON.parse(stdout).error.code }).toEqual({
    exitCode: 2,
    code: "E_APPLICATION",
  });
});

it("prints the help of status", async () => {
  expect((await migctl("status", "--help")).stdout).toMatchInlineSnapshot(`
    "migctl status

    Show the migrations of a source, or the steps of one

    Cluster:
          --network     The network config: both sides of a migration between clusters (default
                        network.json, where it is there; env MIGCTL_NETWORK)                    [string]
      -n, --namespace   The source's namespace, where it is not the one of the network config   [string]
          --context     The source's context in the kubeconfig                                  [string]
          --kubeconfig  The source's kubeconfig; without it $KUBECONFIG, then ~/.kube/config    [string]
          --set         A value of the network config, as source.claim=data-pvc; may be repeated [array]

    Source:
          --source-dir  The source's data folder (env MIGCTL_SOURCE_DIR)                        [string]

    How:
          --work-dir  Holds plan, status, archive and ledger (default <source-dir>/logs/migrations; env
                      MIGCTL_WORK_DIR)                                                          [string]
          --name      The migration's name, where there are several                             [string]

    What:
          --migrationType  Only a migration of this type (default full)
                                                               [string] [choices: "full", "files", "db"]

    Options:
          --version   Show version number                                                      [boolean]
      -h, --help      Show help                                                                [boolean]
      -o, --output    How results are printed (default table)[string] [choices: "table", "json", "yaml"]
          --progress  How progress is shown (default auto)
                                              [string] [choices: "auto", "tty", "plain", "json", "none"]

    Examples:
      migctl status                                       In the cluster of network.json
      migctl --status -n default                          The same, in another namespace
      migctl status --source-dir /a/data                  All migrations of this source
      migctl status --source-dir /a/data --name           The steps of one
      mvi-full-1a2b3c4d
    "
  `);
});

const described: readonly Command<never>[] = [...cliCommands, ...managerCommands];

it.each(described)(
  "describes $name with an example, and each of its flags",
  async ({ name, describe, load }) => {
    const { examples, args } = await load();
    expect(describe).toMatch(/^[A-Z].*[^.]$/);
    expect(examples.length).toBeGreaterThan(0);
    // Commands of the first description may be named by a flag.
    for (const [line] of examples) expect(line).toMatch(new RegExp(`^mig(ctl|mgr) (${name}|--)`));
    for (const [flag, option] of Object.entries(args)) {
      expect(option.describe, flag).toMatch(/^[A-Z].*[^.]$/);
      expect(option.env ?? "MIGCTL_", flag).toMatch(/^MIGCTL_/);
    }
  },
);

it("makes a bundle of a folder's migration that only its owner can read, and replaces none", async () => {
  const dir = tempDir();
  mkdirSync(join(dir, "logs/migrations/one"), { recursive: true });
  writeFileSync(join(dir, "logs/migrations/one/manager.log"), "password: canary\n");
  const out = join(dir, "one.tar.gz");
  const made = await migctl("debug", "--source-dir", dir, "--out", out, "-o", "json");
  expect(made.exitCode).toBe(0);
  const { file, files, missing } = JSON.parse(made.stdout);
  expect(file).toBe(out);
  expect(statSync(out).mode & 0o777).toBe(0o600);
  expect(files.map(({ path }: { path: string }) => path)).toContain("folder/manager.log");
  expect(missing.map(({ path }: { path: string }) => path)).toContain("status.json");
  expect(gunzipSync(readFileSync(out)).includes("canary")).toBe(false);
  const again = await migctl("debug", "--source-dir", dir, "--out", out);
  expect(again).toMatchObject({ exitCode: 6, stderr: expect.stringContaining("--out") });
});

it("says for debug which migrations there are, and to look through what it made", async () => {
  const dir = tempDir();
  for (const name of ["one", "two"]) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, "events.ndjson"), "");
  }
  const out = join(dir, "out.tar.gz");
  const both = await migctl("debug", "--work-dir", dir, "--out", out);
  expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("one, two") });
  const made = await migctl("debug", "--work-dir", dir, "--name", "two", "--out", out);
  expect(made.exitCode).toBe(0);
  expect(made.stdout).toContain("Not had: plan.json: ");
  expect(made.stdout).toContain("Look through it before you send it");
});
