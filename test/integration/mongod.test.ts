import { execa } from "execa";
import { MongoClient } from "mongodb";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { provideMongoTools } from "../support/mongo-tools.ts";
import { type MongodOptions, startMongod } from "../support/mongod.ts";
import { mongodVersions, provideMongod } from "../support/mongod-binary.ts";
import { appUser } from "../support/mongod-setup.ts";

describe.each(mongodVersions)("mongod %s", (version) => {
  it("starts, reports its version and leaves nothing when it stops", async () => {
    const { server, client } = await open({ version });
    const info = await client.db("admin").command({ buildInfo: 1 });
    expect(info["version"]).toMatch(new RegExp(`^${version}\\.`));
    const { pid } = server;
    await server.stop();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  it("admits the application's user with its odd password and nobody without", async () => {
    const { server, client } = await open({ version, auth: true });
    await client.db(appUser.database).collection("c").insertOne({ n: 1 });
    const stranger = new MongoClient(`mongodb://127.0.0.1:${server.port}/?directConnection=true`);
    const read = stranger.db(appUser.database).collection("c").findOne();
    await expect(read).rejects.toMatchObject({ codeName: "Unauthorized" });
    await stranger.close();
  });

  it("is the primary of a replica set of one, also after a crash", async () => {
    const { server, client } = await open({ version, auth: true, replicaSet: "rs0" });
    const write = { writeConcern: { w: "majority" as const, j: true } };
    await client.db(appUser.database).collection("c").insertOne({ n: 1 }, write);
    await server.kill9();
    await server.restart();
    expect(await client.db(appUser.database).collection("c").countDocuments()).toBe(1);
  });
});

it("has the stock tools built, or says why it cannot", { timeout: 900_000 }, async () => {
  const tools = await provideMongoTools();
  if ("missing" in tools) {
    expect(tools.missing).toMatch(/^No mongo tools: /);
    return;
  }
  for (const path of Object.values(tools)) {
    expect((await execa(path, ["--version"])).stdout).toMatch(/version/);
  }
});

it("says of each source of a mongod why it has none", async () => {
  vi.stubEnv("XDG_CACHE_HOME", "/dev/null");
  vi.stubEnv("MONGOMS_DOWNLOAD_MIRROR", "http://127.0.0.1:9");
  vi.stubEnv("PATH", "");
  vi.stubEnv("MIGCTL_MONGOD_6_0", "/no/such/mongod");
  await expect(provideMongod("6.0")).rejects.toThrow(
    /mongod 6.0\n.*environment: .*\n.*cache: .*\n.*PATH: .*\n.*download: .*\n.*wheel: /,
  );
});

async function open(options: MongodOptions) {
  const server = await startMongod(options);
  onTestFinished(() => server.stop());
  const client = new MongoClient(server.uri);
  onTestFinished(() => client.close());
  return { server, client };
}
