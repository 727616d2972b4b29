import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ServerName } from "../test/fixtures/server/context.ts";
import { makeServer } from "../test/fixtures/server/make-server.ts";
import type { Oracle } from "../test/fixtures/server/oracle.ts";
import { type RunningMongod, startMongod } from "../test/support/mongod.ts";
import type { MongodVersion } from "../test/support/mongod-binary.ts";

const { values: flags } = parseArgs({
  options: { keep: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});

interface DemoServer {
  mongod: RunningMongod;
  dir: string;
  uriFile: string;
  oracle: Oracle;
}

const root = resolve(".demo");
const migctl = resolve("src/cli/main.ts");
const started: RunningMongod[] = [];

if (flags.help) {
  say(
    "npm run demo [-- --keep]: moves two standalone servers into one; --keep leaves all running until Ctrl-C",
  );
} else {
  try {
    process.exitCode = await demo();
  } finally {
    if (!flags.keep) await Promise.all(started.map((mongod) => mongod.stop()));
  }
}

async function demo(): Promise<number> {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  say("Two standalone servers, and a destination that already holds some of it:");
  const a = await standUp("A", "4.2");
  const b = await standUp("B", "4.4");
  const d = await standUp("D", "6.0");
  const user = pick(b.oracle.scopes.users, "user");
  const group = pick(b.oracle.scopes.projectGroups, "project group");
  const codes = [
    await run("Server A, whole", ["start", ...between(a, d)]),
    await run("One user and one project group of server B: first the plan", [
      ...["plan", ...between(b, d), "--user", user, "--project-group", group],
    ]),
    await run("… then the move", [
      ...["start", ...between(b, d), "--user", user, "--project-group", group],
    ]),
    await run("Server A once more, as a second stage: nothing has changed", [
      ...["start", ...between(a, d), "--rerun"],
    ]),
  ];
  say("\nThe reports:");
  await run(undefined, ["status", "--source-dir", a.dir]);
  await run(undefined, ["status", "--source-dir", b.dir]);
  if (flags.keep) tellWhatRuns({ a, b, d });
  const bad = codes.filter((code) => code !== 0 && code !== 3);
  return bad[0] ?? 0;
}

async function standUp(server: ServerName, version: MongodVersion): Promise<DemoServer> {
  const mongod = await startMongod({ version, auth: true });
  started.push(mongod);
  const dir = join(root, `server-${server.toLowerCase()}`, "data");
  mkdirSync(dir, { recursive: true });
  const oracle = await makeServer({
    ...{ seed: "demo", size: "demo", server, cases: "CC", noRoot: true },
    ...{ mongo: mongod.uri, root: dir },
  });
  const uriFile = join(root, `server-${server.toLowerCase()}.uri`);
  writeFileSync(uriFile, `${mongod.uri}\n`, { mode: 0o600 });
  const { documents, files } = oracle.scopes.server;
  const count = Object.values(documents).reduce((sum, ids) => sum + Object.keys(ids).length, 0);
  say(`  ${server}: MongoDB ${version}, ${count} documents, ${Object.keys(files).length} files`);
  return { mongod, dir, uriFile, oracle };
}

function between(source: DemoServer, destination: DemoServer): string[] {
  return [
    ...["--source-dir", source.dir, "--source-uri-file", source.uriFile],
    ...["--dest-dir", destination.dir, "--dest-uri-file", destination.uriFile],
  ];
}

/** The scope with the most documents shows most. */
function pick(scopes: Record<string, { documents: Record<string, object> }>, what: string): string {
  const sized = Object.entries(scopes).map(([name, { documents }]) => ({
    name,
    size: Object.values(documents).reduce((sum, ids) => sum + Object.keys(ids).length, 0),
  }));
  const best = sized.sort((x, y) => y.size - x.size)[0];
  if (best === undefined) throw new Error(`The fixture has no ${what}`);
  return best.name;
}

/** Runs the program as a user would, and shows the command line. */
async function run(title: string | undefined, args: string[]): Promise<number> {
  if (title !== undefined) say(`\n${title}`);
  const shown = args.map((arg) => (arg.startsWith("/") ? relative(process.cwd(), arg) : arg));
  say(`$ migctl ${shown.map((arg) => (/\s/.test(arg) ? `'${arg}'` : arg)).join(" ")}`);
  const child = spawn(process.execPath, [migctl, ...args], { stdio: "inherit" });
  const [code] = await once(child, "exit");
  return typeof code === "number" ? code : 1;
}

function tellWhatRuns(servers: Record<string, DemoServer>) {
  say("\nAll of it runs until this is ended (Ctrl-C):");
  for (const [name, { mongod, dir }] of Object.entries(servers)) {
    say(`  ${name}: mongod ${mongod.pid} on port ${mongod.port}, files in ${relative(".", dir)}`);
  }
}

function say(text: string) {
  process.stdout.write(`${text}\n`);
}
