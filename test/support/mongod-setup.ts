import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient, MongoServerError } from "mongodb";

/** The application's own user, with a password that breaks careless quoting and shows in logs. */
export const appUser = {
  name: "admin",
  password: "canary-p@ss:w/ord $1 &x",
  database: "DLAAS",
} as const;

const rootUser = { name: "root", password: "canary-root-0815", database: "admin" } as const;

export interface Access {
  port: number;
  auth: boolean;
  replicaSet: string | undefined;
}

/** Initiates the replica set and creates the users where they are wanted and missing. */
export async function prepareServer(access: Access): Promise<void> {
  if (access.replicaSet) await makePrimary(access);
  if (access.auth) await createUsers(access);
}

export function connectionUri({ port, auth }: Access, as: "app" | "root"): string {
  const user = as === "app" ? appUser : rootUser;
  const login = `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@`;
  const source = auth ? `&authSource=${user.database}` : "";
  return `mongodb://${auth ? login : ""}127.0.0.1:${port}/?directConnection=true${source}`;
}

/** Members of a replica set log in to each other with this file. */
export function writeKeyFile(dbPath: string): string {
  const path = join(dbPath, "keyfile");
  if (!existsSync(path)) writeFileSync(path, "bWlnY3RsLXRlc3Qta2V5\n", { mode: 0o600 });
  return path;
}

async function makePrimary(access: Access): Promise<void> {
  const { replicaSet: name, port } = access;
  await withClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, async (client) => {
    const members = [{ _id: 0, host: `127.0.0.1:${port}` }];
    const admin = client.db("admin");
    const initiate = { replSetInitiate: { _id: name, members } };
    await admin.command(initiate).catch(unless("AlreadyInitialized", "Unauthorized"));
    while (!(await admin.command({ isMaster: 1 }))["ismaster"]) await sleep(50);
  });
}

/** A new server lets a local client without login create one user: the one who makes the other. */
async function createUsers(access: Access): Promise<void> {
  const open = connectionUri({ ...access, auth: false }, "root");
  await withClient(open, (client) =>
    create(client, rootUser, ["root"]).catch(unless("Unauthorized")),
  );
  await withClient(connectionUri(access, "root"), (client) =>
    create(client, appUser, ["readWrite", "dbAdmin"]).catch(unless("Location51003")),
  );
}

async function create(
  client: MongoClient,
  user: typeof appUser | typeof rootUser,
  roles: string[],
) {
  const command = { createUser: user.name, pwd: user.password, roles };
  await client.db(user.database).command(command);
}

function unless(...codeNames: string[]): (error: unknown) => void {
  return (error) => {
    const name = error instanceof MongoServerError ? error.codeName : undefined;
    if (!name || !codeNames.includes(name)) throw error;
  };
}

async function withClient(uri: string, work: (client: MongoClient) => Promise<void>) {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 10_000 });
  try {
    await work(client);
  } finally {
    await client.close();
  }
}
