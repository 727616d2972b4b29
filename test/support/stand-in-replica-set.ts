import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import type { TestCluster } from "./cluster-client.ts";
import { namespace } from "./stand-in.ts";
import { standInImage } from "./stand-in-image.ts";
import {
  memberName,
  members,
  replicaSetPort as port,
  type ReplicaSet,
  type ReplicaSetOptions,
  replicaSetObjects,
} from "./stand-in-members.ts";
import { makeMemberCertificate } from "./stand-in-tls.ts";

/** Three members that speak TLS only, under names that only the cluster's own pods resolve. */
export interface RunningReplicaSet {
  /** With the members' names and the log-in; the authority is not in it. */
  uri: string;
  /** The authority's certificate, as PEM. */
  ca: string;
  /** Runs `work` with a client of the primary, with all rights, from this machine. */
  withPrimary<T>(work: (client: MongoClient) => Promise<T>): Promise<T>;
  /** Makes the primary give up its place, and waits until another member has it. */
  stepDown(): Promise<void>;
  remove(): Promise<void>;
}

interface Running {
  cluster: TestCluster;
  set: ReplicaSet;
}

const root = { name: "root", password: "canary-root-0815" };

export async function deployReplicaSet(
  cluster: TestCluster,
  options: ReplicaSetOptions,
): Promise<RunningReplicaSet> {
  const name = options.name ?? "mongo";
  const set: ReplicaSet = {
    ...{ name, mongod: "6.0", user: "mas", password: "canary-p@ss:w/ord $1 &x" },
    ...options,
    tls: await makeMemberCertificate(`${name}.${options.namespace}.svc`),
  };
  const running = { cluster, set };
  await cluster.loadImage(standInImage);
  await cluster.apply(namespace(set.namespace), ...replicaSetObjects(set));
  await cluster.kubectl("rollout", "status", "-n", set.namespace, `statefulset/${name}`);
  await initiate(running);
  await createUsers(running);
  return {
    uri: membersUri(set),
    ca: set.tls.ca,
    withPrimary: async (work) => withClient(set, await primary(running), work),
    stepDown: () => stepDown(running),
    async remove() {
      await cluster.kubectl("delete", "namespace", set.namespace, "--ignore-not-found");
    },
  };
}

function membersUri(set: ReplicaSet): string {
  const hosts = members.map((index) => `${memberName(set, index)}:${port}`).join(",");
  const logIn = `${encodeURIComponent(set.user)}:${encodeURIComponent(set.password)}`;
  return `mongodb://${logIn}@${hosts}/?replicaSet=${set.name}&tls=true&authSource=admin`;
}

async function initiate({ cluster, set }: Running): Promise<void> {
  const hosts = members.map((index) => ({ _id: index, host: `${memberName(set, index)}:${port}` }));
  await onOwnHost({ cluster, set }, 0, async (client) => {
    await client.db("admin").command({ replSetInitiate: { _id: set.name, members: hosts } });
  });
}

/** A new server lets who is on its own host create the first user. */
async function createUsers(running: Running): Promise<void> {
  const { set } = running;
  const { index } = await primary(running);
  await onOwnHost(running, index, async (client) => {
    const admin = client.db("admin");
    await admin.command({ createUser: root.name, pwd: root.password, roles: ["root"] });
  });
  await withClient(set, await primary(running), async (client) => {
    const roles = ["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor"];
    await client.db("admin").command({ createUser: set.user, pwd: set.password, roles });
  });
}

async function stepDown(running: Running): Promise<void> {
  const before = await primary(running);
  await withClient(running.set, before, async (client) => {
    await client.db("admin").command({ replSetStepDown: 60, force: true });
  });
  while ((await primary(running)).index === before.index) await sleep(200);
}

interface Member {
  index: number;
  address: string;
}

/** Waits until one of the members is the primary. */
async function primary({ cluster, set }: Running): Promise<Member> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(200)) {
    for (const index of members) {
      const member = { index, address: await podAddress(cluster, set, index) };
      if (await isPrimary(set, member)) return member;
    }
  }
  throw new Error(`The replica set ${set.name} has no primary`);
}

async function podAddress(cluster: TestCluster, set: ReplicaSet, index: number): Promise<string> {
  const { status } = await cluster.get("pod", `${set.name}-${index}`, set.namespace);
  return (status as { podIP?: string }).podIP ?? "";
}

async function isPrimary(set: ReplicaSet, { address }: Member): Promise<boolean> {
  const client = direct(set, `mongodb://${address}:${port}`);
  try {
    return (await client.db("admin").command({ hello: 1 }))["isWritablePrimary"] === true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

async function withClient<T>(
  set: ReplicaSet,
  { address }: Member,
  work: (client: MongoClient) => Promise<T>,
): Promise<T> {
  const client = direct(set, `mongodb://${root.name}:${root.password}@${address}:${port}`);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

async function onOwnHost(
  { cluster, set }: Running,
  index: number,
  work: (client: MongoClient) => Promise<void>,
): Promise<void> {
  const forwarding = await cluster.forward(set.namespace, `pod/${set.name}-${index}`, port);
  const client = direct(set, `mongodb://127.0.0.1:${forwarding.port}`);
  try {
    await work(client);
  } finally {
    await client.close();
    await forwarding.stop();
  }
}

/** By address, which the certificate does not name. */
function direct(set: ReplicaSet, server: string): MongoClient {
  return new MongoClient(`${server}/?directConnection=true&tls=true&authSource=admin`, {
    ca: set.tls.ca,
    tlsAllowInvalidHostnames: true,
    serverSelectionTimeoutMS: 10_000,
  });
}
