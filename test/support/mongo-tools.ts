import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { cached } from "./cache.ts";

const goModule = "github.com/mongodb/mongo-tools";
const goVersion = "v0.0.0-20250715155915-887641268977";
const names = ["mongodump", "mongorestore", "bsondump"] as const;
const leastMinor = 24;

export type MongoTools = Record<(typeof names)[number], string>;

/**
 * The stock tools, built with Go into the cache once; or why this machine cannot have them, which is
 * an error in the gate.
 */
export async function provideMongoTools(): Promise<MongoTools | { missing: string }> {
  try {
    const folder = await cached(`mongo-tools-${goVersion.slice(-12)}`, build);
    return {
      mongodump: join(folder, "mongodump"),
      mongorestore: join(folder, "mongorestore"),
      bsondump: join(folder, "bsondump"),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const missing = `No mongo tools: ${reason}`;
    if (process.env["CI"]) throw new Error(missing, { cause: error });
    process.stderr.write(`${missing}\n`);
    return { missing };
  }
}

async function build(folder: string): Promise<void> {
  await checkGo();
  process.stderr.write("Building mongodump, mongorestore and bsondump ...\n");
  const work = await mkdtemp(join(tmpdir(), "migctl-go-"));
  try {
    const requirement = `module tools\n\ngo 1.24\n\nrequire ${goModule} ${goVersion}\n`;
    await writeFile(join(work, "go.mod"), requirement);
    const imports = names.map((name) => `\t_ "${goModule}/${name}/main"\n`).join("");
    await writeFile(
      join(work, "tools.go"),
      `//go:build tools\n\npackage tools\n\nimport (\n${imports})\n`,
    );
    await go(work, ["mod", "tidy"]);
    for (const name of names) {
      await go(work, ["build", "-trimpath", "-o", join(folder, name), `${goModule}/${name}/main`]);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function checkGo(): Promise<void> {
  const { stdout } = await execa("go", ["env", "GOVERSION"]).catch(() => ({ stdout: "" }));
  const minor = Number(/^go1\.(\d+)/.exec(stdout)?.[1] ?? 0);
  if (minor < leastMinor) {
    throw new Error(`found ${stdout || "no Go"}, building them takes Go 1.${leastMinor} or later`);
  }
}

/** The module's tags are no semantic versions, so the checksum database cannot know this one. */
async function go(cwd: string, args: string[]): Promise<void> {
  const env = { GONOSUMDB: goModule, GOFLAGS: "-mod=mod" };
  await execa("go", args, { cwd, env, timeout: 900_000 });
}
