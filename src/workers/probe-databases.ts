import { MigrationError } from "../core/errors.ts";
import { type OpenSource, openCurrent, openSource, withCommands } from "../mongo/connect.ts";
import type { DatabaseRef } from "../mongo/database.ts";
import { requireWritePrivileges } from "../mongo/privileges.ts";
import { makeReader } from "../mongo/source-current.ts";
import { toFailure } from "../mongo/source-failure.ts";
import type { Plan } from "../plan/plan.ts";
import type { Probe, ProbedDatabase, ProbedDestination, ProbedSource } from "../plan/probe.ts";
import { neverCollections } from "./application-facts.ts";
import { checkDatabases } from "./check-databases.ts";
import { probeActivity } from "./probe-activity.ts";
import { askClock, probed } from "./probe-answer.ts";

interface Ports {
  now(): number;
  signal: AbortSignal;
}

type SourceAnswers = Pick<ProbedSource, "database" | "rights" | "activity">;

/** Looks at the source's database; what follows from one failure is not told three times. */
export async function probeSourceDatabase(plan: Plan, ports: Ports): Promise<SourceAnswers> {
  const { database: ref } = plan.source;
  if (ref === undefined) return {};
  const { signal } = ports;
  const opened = await probed(signal, () => openSource(ref, { signal }));
  if ("failure" in opened) return { database: opened };
  const source = opened.value;
  try {
    return {
      database: await probed(signal, () => describe(source, ports)),
      rights: await probed(signal, () => readAll(source, plan)),
      activity: await probed(signal, () => probeActivity(source, plan.application)),
    };
  } finally {
    await source.source.close();
  }
}

type DestinationAnswers = Pick<ProbedDestination, "database" | "rights">;

/** Looks at the destination's database, by the reference through which it is reached. */
export async function probeDestinationDatabase(
  ref: DatabaseRef,
  ports: Ports,
): Promise<DestinationAnswers> {
  const { signal } = ports;
  const opened = await probed(signal, () => openCurrent(ref, { signal }));
  if ("failure" in opened) return { database: opened };
  const connection = opened.value;
  try {
    const described = withCommands(connection, makeReader(connection));
    return {
      database: await probed(signal, () => describe(described, ports)),
      rights: await probed(signal, async () => {
        await requireWritePrivileges(connection.db);
        return {};
      }),
    };
  } finally {
    await connection.client.close();
  }
}

/** Whether both sides are one database; what else is wrong with one of them is told elsewhere. */
export async function probeSameDatabase(
  source: DatabaseRef,
  destination: DatabaseRef,
  { signal }: Ports,
): Promise<NonNullable<Probe["databases"]>> {
  return await probed(signal, async () => {
    try {
      await checkDatabases(source, destination, { signal });
      return { isSame: false };
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      // The versions are compared last.
      if (error.code === "E_VERSION") return { isSame: false };
      if (error.code === "E_SAME_SERVER") return { isSame: true };
      throw error;
    }
  });
}

async function describe(
  { source, hosts, command }: OpenSource,
  { now }: Ports,
): Promise<ProbedDatabase> {
  const { version, featureCompatibilityVersion, setName, driver } = source.facts;
  const clock = await askClock(now, async () => {
    const { localTime } = await command({ isMaster: 1 }, "admin");
    return Number(localTime);
  });
  const { authInfo } = await command({ connectionStatus: 1 });
  const user: unknown = authInfo?.authenticatedUsers?.[0]?.user;
  return {
    ...{ hosts, version, driver, clock },
    ...(featureCompatibilityVersion === undefined
      ? {}
      : { compatibility: featureCompatibilityVersion }),
    ...(setName === undefined ? {} : { replicaSet: setName }),
    ...(typeof user === "string" ? { user } : {}),
  };
}

/** Reads one id of each collection that moves, and its indexes: the server's answer is the proof. */
async function readAll({ source, hosts, command }: OpenSource, plan: Plan) {
  const never = neverCollections(plan.application, plan.options.includeCollections);
  const all = (await source.collections()).filter(({ name }) => !never.includes(name));
  for (const { name, type } of all) {
    try {
      await command({ find: name, limit: 1, projection: { _id: 1 } });
      if (type !== "view") await source.indexes(name);
    } catch (error) {
      throw toFailure(error, { hosts, action: `read "${name}"` });
    }
  }
  return { collections: all.length };
}
