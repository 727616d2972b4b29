import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import type { ServerName, Size } from "../fixtures/server/context.ts";
import { makeServer, type ServerOptions } from "../fixtures/server/make-server.ts";
import type { Oracle } from "../fixtures/server/oracle.ts";
import type { TestCluster } from "./cluster-client.ts";
import { makeVolume } from "./cluster-volume.ts";
import { connectionUri, prepareServer } from "./mongod-setup.ts";
import {
  describeStandIn,
  namespace,
  type Security,
  type StandIn,
  type StandInOptions,
  standIn,
} from "./stand-in.ts";
import { standInImage } from "./stand-in-image.ts";

export interface DeployOptions extends StandInOptions {
  /** Of the namespace; a destination is as restricted as OpenShift's unless said otherwise. */
  security?: Security;
  /** The node that has the volume. */
  volumeNode?: string;
}

/** A release that runs; its files and documents can be read past everything that is tested. */
export interface RunningStandIn {
  release: StandIn;
  namespace: string;
  /** The volume's directory on this machine, and the data folder in it. */
  root: string;
  data: string;
  /** Reach mongod from this machine, with the rights of the application or with all. */
  uri: string;
  adminUri: string;
  /** Removes the namespace and the volume. */
  remove(): Promise<void>;
}

/** Makes the namespace, the volume and the release, and waits until all of it is available. */
export async function deployStandIn(
  cluster: TestCluster,
  options: DeployOptions,
): Promise<RunningStandIn> {
  const release = describeStandIn(options);
  const { namespace: in_, side, claim, external } = release;
  const security = options.security ?? (side === "source" ? "privileged" : "restricted-v2");
  await cluster.loadImage(standInImage);
  await cluster.apply(namespace(in_, security));
  const root = await makeVolume(cluster, {
    ...{ namespace: in_, claim: claim.name, accessMode: claim.accessMode, size: claim.size },
    ...(options.volumeNode === undefined ? {} : { node: options.volumeNode }),
  });
  const data = join(root, "data");
  await mkdir(data, { recursive: true });
  await cluster.apply(...standIn(options));
  if (!options.mongodCommand) await cluster.wait(in_, "deployment", "condition=Available");
  const isUsable = !external && !options.mongodCommand;
  const address = isUsable ? await prepareDatabase(cluster, release) : undefined;
  return {
    ...{ release, namespace: in_, root, data },
    uri: address === undefined ? "" : appUri(release, address),
    adminUri: address === undefined ? "" : rootUri(address),
    remove: () => remove(cluster, { namespace: in_, claim: claim.name, root }),
  };
}

/** Fills a release's documents and files with one of the fixture's servers. */
export async function fillStandIn(
  { uri, data, release }: RunningStandIn,
  fixture: { server: ServerName; size?: Size; cases?: string; seed?: string },
): Promise<{ oracle: Oracle; options: ServerOptions }> {
  const { server, size = "s", cases = "all", seed = "1" } = fixture;
  const { database } = release;
  const options = { seed, size, server, cases, mongo: uri, database, root: data };
  return { options, oracle: await makeServer(options) };
}

/** Makes the users, as who is on mongod's own host, and returns where it can be reached. */
async function prepareDatabase(cluster: TestCluster, release: StandIn): Promise<string> {
  const { namespace: in_, mongodb } = release;
  const forwarding = await cluster.forward(in_, `service/${mongodb}`, 27_017);
  try {
    await prepareServer({ port: forwarding.port, auth: true, replicaSet: undefined });
  } finally {
    await forwarding.stop();
  }
  const { spec } = await cluster.get("service", mongodb, in_);
  const address = `${(spec as { clusterIP: string }).clusterIP}:27017`;
  await makeUser(release, address);
  return address;
}

/** The set-up's own user is not always the one that the release is said to have. */
async function makeUser({ user, password, database }: StandIn, address: string): Promise<void> {
  const client = new MongoClient(rootUri(address), { serverSelectionTimeoutMS: 20_000 });
  try {
    const db = client.db(database);
    const roles = ["readWrite", "dbAdmin"];
    const { users } = await db.command({ usersInfo: user });
    const verb = users.length > 0 ? "updateUser" : "createUser";
    await db.command({ [verb]: user, pwd: password, roles });
  } finally {
    await client.close();
  }
}

/** The cluster's addresses of services are known on its node, and stay while pods come and go. */
function rootUri(address: string): string {
  const uri = connectionUri({ port: 0, auth: true, replicaSet: undefined }, "root");
  return uri.replace("127.0.0.1:0", address);
}

function appUri({ user, password, database }: StandIn, address: string): string {
  const logIn = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return `mongodb://${logIn}@${address}/?directConnection=true&authSource=${database}`;
}

async function remove(
  cluster: TestCluster,
  { namespace: in_, claim, root }: { namespace: string; claim: string; root: string },
): Promise<void> {
  await cluster.kubectl("delete", "namespace", in_, "--ignore-not-found");
  await cluster.kubectl("delete", "pv", `${in_}-${claim}`, "--ignore-not-found");
  await rm(root, { recursive: true, force: true });
}
