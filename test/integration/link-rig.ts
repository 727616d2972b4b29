import { setTimeout as sleep } from "node:timers/promises";
import { type Document, MongoClient } from "mongodb";
import type { Dial } from "../../src/core/dial.ts";
import { tcpDial } from "../../src/manager/link/tcp-dial.ts";
import { makeAuthority } from "../support/certificates.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { appUser, writeKeyFile } from "../support/mongod-setup.ts";

/** Names of another network: only a dial of a test knows where they are. */
export function dialNames(ports: Readonly<Record<string, number>>): Dial {
  return async ({ host, port }, signal) => {
    const local = ports[`${host}:${port}`];
    if (local === undefined) throw new Error(`getaddrinfo ENOTFOUND ${host}`);
    return tcpDial({ host: "127.0.0.1", port: local }, signal);
  };
}

export interface ReplicaSet {
  /** As another network has it; the certificate's authority is given in it. */
  uri: string;
  dial: Dial;
  /** Local ports by the hosts of the URI. */
  ports: Record<string, number>;
  caFile: string;
  /** Logs in to one member with all rights, from here. */
  admin(member: number): Promise<MongoClient>;
  primary(): Promise<number>;
  stop(): Promise<void>;
}

const members = [0, 1, 2];
const root = { name: "root", password: "canary-root-0815" };
const nameOf = (member: number) => `m${member}.rs.test`;

/**
 * Three members with TLS and log-in. Outside they are m0.rs.test:27017 and so on (split horizons,
 * told by the name that TLS asks for), which no look-up here knows.
 */
export async function startReplicaSet(folder: string): Promise<ReplicaSet> {
  const { certificate: caFile, issue } = makeAuthority(folder);
  const keyFile = writeKeyFile(folder);
  const servers: RunningMongod[] = [];
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())));
  try {
    for (const member of members) {
      // For its name outside, and for the address by which the other members know it.
      const pem = issue(nameOf(member), { names: `DNS:${nameOf(member)},IP:127.0.0.1` });
      const tls = ["--tlsMode", "preferTLS", "--tlsCertificateKeyFile", pem, "--tlsCAFile", caFile];
      const replication = ["--replSet", "rs", "--keyFile", keyFile, "--oplogSize", "64"];
      const extraArgs = [...tls, "--tlsAllowConnectionsWithoutCertificates", ...replication];
      servers.push(await startMongod({ version: "6.0", extraArgs }));
    }
    const ports = servers.map(({ port }) => port);
    await initiate(ports);
    return describeSet({ folder, caFile, ports, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Parts {
  folder: string;
  caFile: string;
  ports: number[];
  stop(): Promise<void>;
}

function describeSet({ caFile, ports, stop }: Parts): ReplicaSet {
  const names = ports.map((_, member) => `${nameOf(member)}:27017`);
  const byName = Object.fromEntries(names.map((name, member) => [name, ports[member] ?? 0]));
  const login = [appUser.name, appUser.password].map(encodeURIComponent).join(":");
  const options = `replicaSet=rs&tls=true&authSource=${appUser.database}`;
  const admin = (member: number) =>
    MongoClient.connect(
      `mongodb://${root.name}:${root.password}@127.0.0.1:${ports[member]}/?directConnection=true`,
    );
  return {
    uri: `mongodb://${login}@${names.join()}/?${options}&tlsCAFile=${encodeURIComponent(caFile)}`,
    dial: dialNames(byName),
    ports: byName,
    caFile,
    admin,
    primary: () => primaryOf(admin),
    stop,
  };
}

async function initiate(ports: readonly number[]) {
  const uri = `mongodb://127.0.0.1:${ports[0]}/?directConnection=true`;
  const client = await MongoClient.connect(uri);
  try {
    const admin = client.db("admin");
    const config = {
      _id: "rs",
      members: ports.map((port, member) => ({
        _id: member,
        host: `127.0.0.1:${port}`,
        horizons: { outside: `${nameOf(member)}:27017` },
      })),
    };
    await admin.command({ replSetInitiate: config });
    while (!(await admin.command({ hello: 1 }))["isWritablePrimary"]) await sleep(100);
    // Only the first user can be made without a log-in.
    await admin.command({ createUser: root.name, pwd: root.password, roles: ["root"] });
  } finally {
    await client.close();
  }
  const login = `${root.name}:${root.password}@`;
  const made = await MongoClient.connect(uri.replace("//", `//${login}`));
  const roles = ["readWrite", "dbAdmin"];
  await made
    .db(appUser.database)
    .command({ createUser: appUser.name, pwd: appUser.password, roles });
  await made.close();
}

async function primaryOf(admin: (member: number) => Promise<MongoClient>): Promise<number> {
  for (;;) {
    const client = await admin(0);
    const status: Document = await client.db("admin").command({ replSetGetStatus: 1 });
    await client.close();
    const all: Document[] = status["members"];
    const primary = all.find(({ stateStr }) => stateStr === "PRIMARY");
    if (primary !== undefined) return Number(primary["_id"]);
    await sleep(100);
  }
}
